// Package main is one binary that holds the programs of a Kubernetes node, kubectl, helm and
// kube-state-metrics, compiled from the released modules, so that a test machine needs a Go toolchain and nothing downloaded ready made.
// It is the program by whose name it is called.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	helm "helm.sh/helm/v4/pkg/cmd"
	"k8s.io/component-base/cli"
	"k8s.io/klog/v2"
	statemetrics "k8s.io/kube-state-metrics/v2/pkg/app"
	"k8s.io/kube-state-metrics/v2/pkg/options"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	programs := map[string]func() *cobra.Command{
		"kube-apiserver":          apiserver.NewAPIServerCommand,
		"kube-controller-manager": controllermanager.NewControllerManagerCommand,
		"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
		"kube-state-metrics":      newStateMetricsCommand,
		"kubectl":                 kubectl.NewDefaultKubectlCommand,
	}
	name := filepath.Base(os.Args[0])
	if name == "helm" {
		runHelm()
		return
	}
	program := programs[name]
	if program == nil {
		fmt.Fprintln(os.Stderr, "call it by the name of a program: kube-apiserver, kube-controller-manager, kube-scheduler, kube-state-metrics, kubelet, kubectl or helm")
		os.Exit(2)
	}
	os.Exit(cli.Run(program()))
}

// runHelm does what helm's own main does.
func runHelm() {
	command, err := helm.NewRootCmd(os.Stdout, os.Args[1:], helm.SetupLogging)
	if err == nil {
		err = command.Execute()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// newStateMetricsCommand does what kube-state-metrics' own main does, but for reading its files again when they
// change.
func newStateMetricsCommand() *cobra.Command {
	opts, command := options.NewOptions(), options.InitCommand
	command.Run = func(command *cobra.Command, _ []string) {
		if err := statemetrics.RunKubeStateMetrics(command.Context(), opts); err != nil {
			klog.ErrorS(err, "Failed to run kube-state-metrics")
			klog.FlushAndExit(klog.ExitFlushTimeout, 1)
		}
	}
	opts.AddFlags(command)
	return command
}
