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

{{- /* The annotations of every object, as they stand in its metadata; nothing where there are none. */}}
{{- define "mason.annotations" -}}
{{- with .Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
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
{{- range $field := list "affinity" "topologySpreadConstraints" "ephemeralStorage" "labels" "annotations" "priorityClassName" "runtimeClassName" }}
{{- with get $.Values.pods $field }}
{{ $field }}: {{ toJson . }}
{{- end }}
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

{{- /* A short job of Mason's image as a hook of Helm, with a service account of its own.
       Takes: root, name, hook, args. */}}
{{- define "mason.hookMetadata" -}}
labels:
  {{- include "mason.labels" .root | nindent 2 }}
annotations:
  helm.sh/hook: {{ .hook }}
  helm.sh/hook-weight: {{ .weight | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{- define "mason.hookJob" -}}
{{- $values := .root.Values -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  {{- include "mason.hookMetadata" (merge (dict "weight" "-10") .) | nindent 2 }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  {{- include "mason.hookMetadata" (merge (dict "weight" "0") .) | nindent 2 }}
spec:
  backoffLimit: 2
  activeDeadlineSeconds: 240
  template:
    metadata:
      labels:
        app.kubernetes.io/name: {{ .name }}
        app.kubernetes.io/instance: {{ .root.Release.Name }}
    spec:
      restartPolicy: Never
      serviceAccountName: {{ .name }}
      {{- with $values.image.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- range $field := list "tolerations" "affinity" "priorityClassName" "dnsConfig" "hostAliases" }}
      {{- with get $values $field }}
      {{ $field }}: {{ toJson . }}
      {{- end }}
      {{- end }}
      securityContext:
        {{- toYaml $values.podSecurityContext | nindent 8 }}
      containers:
        - name: mason
          image: {{ include "mason.image" .root | quote }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          args:
            {{- toYaml .args | nindent 12 }}
          resources:
            requests: {cpu: 50m, memory: 32Mi}
            limits: {memory: 256Mi}
          securityContext:
            {{- toYaml $values.securityContext | nindent 12 }}
{{- end }}

{{- /* Its rights in a namespace, or in all when that is empty. Takes also: namespace, rules; and account, where that
       is not called as the rights are. */}}
{{- define "mason.hookRights" -}}
{{- $kind := ternary "Role" "ClusterRole" (ne .namespace "") -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  {{- include "mason.hookMetadata" (merge (dict "weight" "-10") .) | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  {{- include "mason.hookMetadata" (merge (dict "weight" "-10") .) | nindent 2 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: {{ $kind }}, name: {{ .name }}}
subjects:
  - {kind: ServiceAccount, name: {{ .account | default .name }}, namespace: {{ .root.Release.Namespace }}}
{{- end }}

{{- /* The administrator's limits, with what some of them are by default. */}}
{{- define "mason.limits" -}}
{{- $limits := deepCopy .Values.limits }}
{{- if not (or $limits.defaultTimeout $limits.maxTimeout) }}
{{- $_ := set $limits "defaultTimeout" "24h" }}
{{- end }}
{{- if eq (toString $limits.namespaceRuns) "half" }}
{{- $_ := set $limits "namespaceRuns" (max 1 (div (int .Values.controller.workingRuns) 2)) }}
{{- end }}
{{- toJson $limits }}
{{- end }}
