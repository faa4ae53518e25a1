// A node without containers: to the API server it is a kubelet, and what it says of its Pods is what one would say whose
// gVisor runs Cofferdam's runner. Thousands of runs need no more than this.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "the way to the cluster, with all rights")
	marks := flag.String("marks", "/dev/null", "gets a line for each program that is started: the mark that it names")
	rotation := flag.Int("rotation", 10<<20, "bytes after which a log is put aside, as containerLogMaxSize of a kubelet")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	go func() {
		// Whoever started this is gone.
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := run(ctx, *kubeconfig, *marks, *rotation); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig, marks string, rotation int) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	// It stands for many nodes, each of which would have a bound of its own.
	config.QPS = -1
	// Like the server that it asks, it is a neighbour.
	config.Proxy = nil
	name := "hollow-" + rand.String(5)
	file, err := os.OpenFile(marks, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	admin, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	// With no more rights than a kubelet's, and no more weight in the API server's queues.
	asNode := rest.CopyConfig(config)
	asNode.Impersonate = rest.ImpersonationConfig{
		UserName: "system:node:" + name,
		Groups:   []string{"system:nodes", "system:authenticated"},
	}
	client, err := kubernetes.NewForConfig(asNode)
	if err != nil {
		return err
	}
	pods := newPods(client, name, marker{file}, rotation)
	address, port, err := serve(pods, strings.TrimPrefix(config.Host, "https://"))
	if err != nil {
		return err
	}
	node := node{name, client, admin}
	if err := node.register(ctx, address, port); err != nil {
		return err
	}
	defer node.remove()
	go node.keepLease(ctx)
	go pods.watch(ctx)
	if err := node.awaitPods(ctx); err != nil {
		return err
	}
	fmt.Println(name)
	<-ctx.Done()
	return nil
}
