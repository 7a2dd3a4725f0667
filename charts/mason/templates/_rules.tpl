{{- /* What the controller may do where it watches; why stands beside each rule. */}}
{{- define "mason.controllerRules" -}}
# Resources are read and watched; their specs are never written.
- apiGroups: [mason.dev]
  resources: [masonconfigs, operatordefinitions, operatorruns, workflows, workflowruns]
  verbs: [get, list, watch]
# What was found and done is stored in their statuses.
- apiGroups: [mason.dev]
  resources: [masonconfigs/status, operatordefinitions/status, operatorruns/status, workflows/status, workflowruns/status]
  verbs: [update, patch]
# Each step of a workflow is a run of its own, and schedules make runs of workflows.
- apiGroups: [mason.dev]
  resources: [operatorruns, workflowruns]
  verbs: [create]
# Finalizers of runs with work outside are set and removed; runs whose ttl has passed are deleted.
- apiGroups: [mason.dev]
  resources: [operatorruns]
  verbs: [patch, delete]
# Runs of a schedule that are not kept any more are deleted.
- apiGroups: [mason.dev]
  resources: [workflowruns]
  verbs: [delete]
# Children name their run as owner also where the API server asks for this right.
- apiGroups: [mason.dev]
  resources: [operatorruns/finalizers]
  verbs: [update]
# Work runs in pods: looked for, created held back, released by a patch, watched, and deleted.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create, patch, delete]
# The last lines of a pod's log stand in its attempt.
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
# Why a pod does not begin on its node stands in its run.
- apiGroups: [""]
  resources: [events]
  verbs: [list]
# A pod's job, and results too large for a status; each belongs to its run.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, delete]
{{- if .Values.rbac.secrets }}
# Credentials of configs are read when they are needed. No list, no watch: both would give all of them.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end }}
# Transitions of runs are told as events.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}

{{- /* What people may do, by role. Only the controller writes a status. */}}
{{- define "mason.viewRules" -}}
- apiGroups: [mason.dev]
  resources: [masonconfigs, operatordefinitions, operatorruns, workflows, workflowruns]
  verbs: [get, list, watch]
{{- end }}
{{- /* What runs leave beside themselves. In the whole cluster, Kubernetes' own role `view` has it. */}}
{{- define "mason.viewWorkRules" -}}
- apiGroups: [""]
  resources: [pods, pods/log, events]
  verbs: [get, list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [get, list, watch]
# Results that are too large for a status, by their names.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
{{- end }}
{{- define "mason.editRules" -}}
- apiGroups: [mason.dev]
  resources: [operatorruns, workflows, workflowruns]
  verbs: [create, update, patch, delete, deletecollection]
{{- end }}
{{- define "mason.adminRules" -}}
# Who may answer steps of workflows that wait for approval; the policy of the chart asks for it.
- apiGroups: [mason.dev]
  resources: [workflowruns]
  verbs: [approve]
# Who may write definitions may start pods, and who may write configs lends out their credentials.
- apiGroups: [mason.dev]
  resources: [masonconfigs, operatordefinitions]
  verbs: [create, update, patch, delete, deletecollection]
{{- end }}

{{- /* What the short jobs may do. */}}
{{- define "mason.releaseRules" -}}
# Finalizers of runs are removed; the frozen spec of a run lets nothing else be changed.
- apiGroups: [mason.dev]
  resources: [operatorruns]
  verbs: [list, patch]
{{- end }}
{{- define "mason.leaseRules" -}}
# The Lease of the controller that is gone; its own right to give it back went with it.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "mason.fullname" . }}]
  verbs: [delete]
{{- end }}
{{- define "mason.libraryRules" -}}
# Definitions of the library are applied to this one namespace.
- apiGroups: [mason.dev]
  resources: [operatordefinitions]
  verbs: [get, create, patch]
{{- end }}
