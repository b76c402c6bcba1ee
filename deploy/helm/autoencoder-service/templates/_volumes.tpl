{{- define "chart.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.apiKeys.existingSecret }}
- name: api-keys
  mountPath: /etc/autoencoder-service # the whole folder: a file alone would not follow the Secret
  readOnly: true
{{- end }}
{{- if or .Values.models.image.reference .Values.models.existingClaim }}
- name: models
  mountPath: /models
  readOnly: true
{{- end }}
{{- if eq .Values.jobs.store "claim" }}
- name: jobs
  mountPath: /var/lib/autoencoder-service
{{- end }}
{{- end -}}

{{- define "chart.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.tmpSizeLimit }}
{{- with .Values.apiKeys.existingSecret }}
- name: api-keys
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- if .Values.models.image.reference }}
- name: models
  image:
    {{- toYaml .Values.models.image | nindent 4 }}
{{- else if .Values.models.existingClaim }}
- name: models
  persistentVolumeClaim:
    claimName: {{ .Values.models.existingClaim }}
    readOnly: true
{{- end }}
{{- if eq .Values.jobs.store "claim" }}
- name: jobs
  persistentVolumeClaim:
    claimName: {{ default (printf "%s-jobs" (include "chart.fullname" .)) .Values.jobs.claim.existingClaim }}
{{- end }}
{{- end -}}
