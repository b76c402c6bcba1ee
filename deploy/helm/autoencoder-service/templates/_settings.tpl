{{/* A setting as an environment variable has it. Numbers are floats here: 167772160 must not become
1.6777216e+08. */}}
{{- define "chart.setting" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if and (kindIs "float64" .) (eq (floor .) .) -}}
{{- printf "%.0f" . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* The environment of the service: settings, what the chart mounts, further variables. */}}
{{- define "chart.environment" -}}
{{- range $name, $value := .Values.settings }}
- name: SERVICE_{{ upper $name }}
  value: {{ include "chart.setting" $value | quote }}
{{- end }}
{{- if .Values.apiKeys.existingSecret }}
- name: SERVICE_API_KEYS_FILE
  value: /etc/autoencoder-service/{{ .Values.apiKeys.file }}
{{- end }}
{{- if or .Values.models.image.reference .Values.models.existingClaim }}
- name: SERVICE_MODELS
  value: /models
{{- end }}
{{- if eq .Values.jobs.store "redis" }}
- name: SERVICE_JOBS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.jobs.redis.existingSecret }}
      key: {{ .Values.jobs.redis.key }}
{{- else }}
- name: SERVICE_JOBS_DIR
  value: {{ eq .Values.jobs.store "claim" | ternary "/var/lib/autoencoder-service/jobs" "" | quote }}
{{- end }}
{{- if .Values.quotas.redis.existingSecret }}
- name: SERVICE_RATE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.quotas.redis.existingSecret }}
      key: {{ .Values.quotas.redis.key }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* How long a pod may take to end: until SIGTERM, until the port closes, for requests in flight, to
requeue jobs (10 s), for the last spans of traces (5 s), and 5 s to exit. */}}
{{- define "chart.grace" -}}
{{- $drain := dig "drain_seconds" 0 .Values.settings | ceil | int -}}
{{- $shutdown := dig "shutdown_seconds" 30 .Values.settings | int -}}
{{- add .Values.preStopSleepSeconds $drain $shutdown 20 -}}
{{- end -}}

{{- define "chart.body-bytes" -}}
{{- dig "max_body_bytes" 167772160 .Values.settings | int64 -}}
{{- end -}}
