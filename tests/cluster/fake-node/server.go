package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"

	"k8s.io/apimachinery/pkg/types"
	remotecommandconsts "k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/cert"
	"k8s.io/kubelet/pkg/cri/streaming"
	streams "k8s.io/kubelet/pkg/cri/streaming/remotecommand"
)

// serve serves the kubelet API on an address that the API server can reach.
func serve(pods *pods, apiServer string) (address string, port int, err error) {
	// A connected UDP socket has the local address of the route; nothing is sent.
	route, err := net.Dial("udp", apiServer)
	if err != nil {
		return
	}
	address = route.LocalAddr().(*net.UDPAddr).IP.String()
	route.Close()
	certificate, key, err := cert.GenerateSelfSignedCertKey(address, nil, nil)
	if err != nil {
		return
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return
	}
	listener, err := tls.Listen("tcp", net.JoinHostPort(address, "0"), &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", pods.serveLog)
	mux.HandleFunc("/attach/{namespace}/{pod}/{container}", pods.serveAttach)
	go func() { log.Fatal(http.Serve(listener, mux)) }()
	return address, listener.Addr().(*net.TCPAddr).Port, nil
}

func (p *pods) serveLog(w http.ResponseWriter, r *http.Request) {
	one := p.find(r.PathValue("namespace"), r.PathValue("pod"))
	if one == nil {
		http.Error(w, fmt.Sprintf("pod %q does not exist", r.PathValue("pod")), http.StatusNotFound)
		return
	}
	one.mutex.Lock()
	c, isReported := one.container, one.isReported
	one.mutex.Unlock()
	// A kubelet finds a container only once it has reported its state.
	if !isReported {
		message := fmt.Sprintf("container %q in pod %q is waiting to start: ContainerCreating", r.PathValue("container"), one.Name)
		http.Error(w, message, http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	follow := r.URL.Query().Get("follow") == "true"
	if err := c.copy(r.Context(), flushing{w}, c.start(true), follow); err != nil {
		log.Print("a log: ", err)
	}
}

// flushing flushes after each write.
type flushing struct{ http.ResponseWriter }

func (f flushing) Write(bytes []byte) (int, error) {
	length, err := f.ResponseWriter.Write(bytes)
	f.ResponseWriter.(http.Flusher).Flush()
	return length, err
}

func (p *pods) serveAttach(w http.ResponseWriter, r *http.Request) {
	options, err := streams.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	one := p.find(r.PathValue("namespace"), r.PathValue("pod"))
	if one == nil {
		http.Error(w, "pod does not exist", http.StatusNotFound)
		return
	}
	one.mutex.Lock()
	c := one.container
	one.mutex.Unlock()
	if c == nil {
		http.Error(w, "container not found", http.StatusNotFound)
		return
	}
	timeouts := streaming.DefaultConfig
	streams.ServeAttach(w, r, attacher{c}, one.Name, one.UID, r.PathValue("container"), options,
		timeouts.StreamIdleTimeout, timeouts.StreamCreationTimeout, remotecommandconsts.SupportedStreamingProtocols)
}

type attacher struct{ *container }

var _ streams.Attacher = attacher{}

func (a attacher) AttachContainer(
	ctx context.Context, _ string, _ types.UID, _ string, in io.Reader, out, _ io.WriteCloser, _ bool,
	_ <-chan remotecommand.TerminalSize,
) error {
	return a.attach(ctx, in, out)
}
