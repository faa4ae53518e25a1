// A fake node: a kubelet without containers. It reports the states and the output that Pods with Cofferdam's
// runner would have, so that thousands of runs fit on one machine.
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
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "kubeconfig of the cluster's admin")
	marks := flag.String("marks", "/dev/null", "file to which the mark of each started program is appended")
	rotation := flag.Int("rotation", 10<<20, "bytes after which a log is rotated, like a kubelet's containerLogMaxSize")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	go func() {
		// Standard input ends when the parent process does.
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
	// This node stands for many nodes, so the client's rate is not limited.
	config.QPS = -1
	// The API server is on this machine.
	config.Proxy = nil
	name := "fake-node-" + rand.String(5)
	file, err := os.OpenFile(marks, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	admin, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	// Impersonate a kubelet, for its rights and its priority in the API server's queues.
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
