// gVisor's shim for containerd, where its own program dies: that one insists on lowering the shim's OOM score, for which
// a container's root lacks the capability.
package main

import (
	"context"
	"os"
	"os/exec"
	"syscall"

	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/shim"
	runsc "gvisor.dev/gvisor/pkg/shim/v1"
	_ "gvisor.dev/gvisor/pkg/shim/v1/plugin"
)

type manager struct{ shim.Manager }

// Start leaves a shim behind that serves the container, a Pod's sandbox being one too.
func (manager) Start(ctx context.Context, id string, opts shim.StartOpts) (shim.BootstrapParams, error) {
	none := shim.BootstrapParams{}
	namespace, err := namespaces.NamespaceRequired(ctx)
	if err != nil {
		return none, err
	}
	address, err := shim.SocketAddress(ctx, opts.Address, id, opts.Debug)
	if err != nil {
		return none, err
	}
	socket, err := shim.NewSocket(address)
	if err != nil {
		return none, err
	}
	socket.SetUnlinkOnClose(false)
	file, err := socket.File()
	if err != nil {
		return none, err
	}
	// What serves reads the address from here.
	if err := os.WriteFile("address", []byte(address), 0o644); err != nil {
		return none, err
	}
	server := exec.Command(os.Args[0], "-namespace", namespace, "-address", opts.Address, "-id", id)
	server.Env = append(os.Environ(), "GOMAXPROCS=2")
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	server.ExtraFiles = []*os.File{file}
	if err := server.Start(); err != nil {
		return none, err
	}
	return shim.BootstrapParams{Version: 2, Address: address, Protocol: "ttrpc"}, nil
}

func main() {
	shim.Run(context.Background(), manager{runsc.NewShimManager("io.containerd.runsc.v1")})
}
