package main

import (
	"context"
	"log"
	"time"

	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// fakeNode is the key of the node's label, which Pods select, and of its taint, which keeps all other Pods
// away.
const fakeNode = "cofferdam.dev/fake-node"

// The defaults of a kubelet's lease.
const (
	leaseSeconds  = 40
	renewInterval = 10 * time.Second
)

type node struct {
	name   string
	client kubernetes.Interface
	admin  kubernetes.Interface
}

// register creates the Node.
func (n node) register(ctx context.Context, address string, port int) error {
	capacity := core.ResourceList{
		core.ResourceCPU:              resource.MustParse("100000"),
		core.ResourceMemory:           resource.MustParse("100Ti"),
		core.ResourceEphemeralStorage: resource.MustParse("100Ti"),
		core.ResourcePods:             resource.MustParse("10000"),
	}
	now := meta.Now()
	ready := core.NodeCondition{
		Type: core.NodeReady, Status: core.ConditionTrue, Reason: "KubeletReady",
		LastHeartbeatTime: now, LastTransitionTime: now,
	}
	object := &core.Node{
		ObjectMeta: meta.ObjectMeta{Name: n.name, Labels: map[string]string{fakeNode: n.name}},
		Spec: core.NodeSpec{
			Taints: []core.Taint{{Key: fakeNode, Value: n.name, Effect: core.TaintEffectNoSchedule}},
		},
		Status: core.NodeStatus{
			Capacity: capacity, Allocatable: capacity, Conditions: []core.NodeCondition{ready},
			Addresses:       []core.NodeAddress{{Type: core.NodeInternalIP, Address: address}},
			DaemonEndpoints: core.NodeDaemonEndpoints{KubeletEndpoint: core.DaemonEndpoint{Port: int32(port)}},
		},
	}
	_, err := n.client.CoreV1().Nodes().Create(ctx, object, meta.CreateOptions{})
	return err
}

// keepLease renews the node's lease.
func (n node) keepLease(ctx context.Context) {
	leases := n.client.CoordinationV1().Leases(core.NamespaceNodeLease)
	seconds := int32(leaseSeconds)
	lease := &coordination.Lease{
		ObjectMeta: meta.ObjectMeta{Name: n.name},
		Spec:       coordination.LeaseSpec{HolderIdentity: &n.name, LeaseDurationSeconds: &seconds},
	}
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		now := meta.NowMicro()
		lease.Spec.RenewTime = &now
		var written *coordination.Lease
		var err error
		if lease.ResourceVersion == "" {
			written, err = leases.Create(ctx, lease, meta.CreateOptions{})
		} else {
			written, err = leases.Update(ctx, lease, meta.UpdateOptions{})
		}
		if err != nil {
			log.Print("renewing the lease: ", err)
			return
		}
		lease = written
	}, renewInterval)
}

// awaitPods waits until Pods can be scheduled on the node.
func (n node) awaitPods(ctx context.Context) error {
	return wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		object, err := n.client.CoreV1().Nodes().Get(ctx, n.name, meta.GetOptions{})
		return err == nil && len(object.Spec.Taints) == 1, nil
	})
}

// remove deletes the Node and its lease with the admin's rights; a kubelet may not. The cluster deletes its
// Pods.
func (n node) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), renewInterval)
	defer cancel()
	if err := n.admin.CoreV1().Nodes().Delete(ctx, n.name, meta.DeleteOptions{}); err != nil {
		log.Print("deleting the node: ", err)
	}
	leases := n.admin.CoordinationV1().Leases(core.NamespaceNodeLease)
	if err := leases.Delete(ctx, n.name, meta.DeleteOptions{}); err != nil {
		log.Print("deleting the lease: ", err)
	}
}
