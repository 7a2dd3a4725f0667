{{- define "mason.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "mason.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "mason.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "mason.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "mason.selectorLabels" -}}
app.kubernetes.io/name: {{ include "mason.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mason.labels" -}}
{{ include "mason.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "mason.image" -}}
{{- $image := .Values.image -}}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "mason.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "mason.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- /* The namespaces that are watched, as a JSON list; empty for all. */}}
{{- define "mason.watchNamespaces" -}}
{{- if and (eq .Values.rbac.scope "namespace") (not .Values.watchNamespaces) }}
{{- list .Release.Namespace | toJson }}
{{- else }}
{{- .Values.watchNamespaces | uniq | toJson }}
{{- end }}
{{- end }}

{{- /* The file of `mason controller --pod-settings`. */}}
{{- define "mason.podSettings" -}}
image: {{ include "mason.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.pods }}
{{- with .imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with .serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
runAsUser: {{ int64 .runAsUser }}
defaultPlacement: {{ .defaultPlacement }}
allowedPlacements: {{ toJson .allowedPlacements }}
{{- with .nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- end }}
{{- with .Values.localRoots }}
roots:
{{- range . }}
  - path: {{ .path }}
    volume: {{ toJson (.podVolume | default .volume) }}
{{- end }}
{{- end }}
{{- end }}
