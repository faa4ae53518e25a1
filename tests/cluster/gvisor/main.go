// gVisor's shim for containerd. gVisor's own program exits if it cannot lower the shim's OOM score, for which root in a container
// lacks the capability.
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

// Start starts a shim process that serves the container or the Pod's sandbox.
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
	// The shim process reads the address from this file.
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
