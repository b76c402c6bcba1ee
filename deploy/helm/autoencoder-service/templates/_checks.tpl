{{/* Values that are right alone and wrong together. The schema checks each value. */}}
{{- define "chart.checks" -}}
{{- $timeout := dig "timeout" 30 .Values.settings -}}
{{- $unseen := mul .Values.probes.readiness.periodSeconds .Values.probes.readiness.failureThreshold -}}
{{- $drain := add .Values.preStopSleepSeconds (dig "drain_seconds" 0 .Values.settings | int) -}}
{{- if lt $drain $unseen -}}
{{- fail (printf "settings.drain_seconds: expected at least the %d s until readiness has failed (probes.readiness), received %d" $unseen $drain) -}}
{{- end -}}
{{- range $name := list "ingress" "httpRoute" -}}
{{- with index $.Values $name -}}
{{- if and .enabled (lt (float64 .timeoutSeconds) (float64 $timeout)) -}}
{{- fail (printf "%s.timeoutSeconds: expected at least settings.timeout, %v, received %v" $name $timeout .timeoutSeconds) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $start := mul .Values.probes.startup.periodSeconds .Values.probes.startup.failureThreshold -}}
{{- $load := dig "load_seconds" 60 .Values.settings -}}
{{- if lt (float64 $start) (float64 $load) -}}
{{- fail (printf "probes.startup: expected at least settings.load_seconds, %v s, which a single version may take, received %d s" $load $start) -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.controller) -}}
{{- fail "ingress.controller: expected nginx, ingress-nginx or other, received none" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.host: expected a name, received none" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.parentRefs: expected a Gateway, received none" -}}
{{- end -}}
{{- if and .Values.models.image.reference .Values.models.existingClaim -}}
{{- fail "models: expected image.reference or existingClaim, received both" -}}
{{- end -}}
{{- if eq .Values.jobs.store "claim" -}}
{{- if or (ne .Values.autoscaling.by "none") (gt (int .Values.replicaCount) 1) -}}
{{- fail "jobs.store: expected redis for several pods, as a folder serves one (replicaCount: 1, autoscaling.by: none), received claim" -}}
{{- end -}}
{{- else if eq .Values.jobs.store "redis" -}}
{{- if not .Values.jobs.redis.existingSecret -}}
{{- fail "jobs.redis.existingSecret: expected the Secret of Redis's URL, received none" -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.egress) -}}
{{- fail "networkPolicy.egress: expected a rule that lets jobs reach Redis, received none" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.quotas.redis.existingSecret .Values.networkPolicy.enabled (not .Values.networkPolicy.egress) -}}
{{- fail "networkPolicy.egress: expected a rule that lets quotas reach Redis, received none" -}}
{{- end -}}
{{- if and (ne .Values.autoscaling.by "none") (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas: expected at most maxReplicas, %d, received %d" (int .Values.autoscaling.maxReplicas) (int .Values.autoscaling.minReplicas)) -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.apiKeys.existingSecret (not .Values.serviceMonitor.bearerToken.existingSecret) -}}
{{- fail "serviceMonitor.bearerToken.existingSecret: expected the Secret of a key of scope metrics, as apiKeys is set, received none" -}}
{{- end -}}
{{- end -}}
