{{/* Up by half of the pods, and at least two, in a minute; down one by one. A queue says that pods are
too few, and not that they are too many: what is left may be too few again. */}}
{{- define "chart.behavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies:
    - type: Percent
      value: 50
      periodSeconds: 60
    - type: Pods
      value: 2
      periodSeconds: 60
scaleDown:
  stabilizationWindowSeconds: 600
  policies:
    - type: Pods
      value: 1
      periodSeconds: 300
{{- end -}}
