package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// relistInterval is the interval at which a kubelet relists and reports its containers.
const relistInterval = time.Second

// Backoff of mounting a volume.
const (
	mountBackoff    = 500 * time.Millisecond
	maxMountBackoff = 2 * time.Minute
)

// pods are the Pods of this node.
type pods struct {
	client   kubernetes.Interface
	node     string
	marks    marker
	rotation int

	mutex sync.Mutex
	known map[string]*pod
	// Immutable ConfigMaps, by namespace and name.
	immutable sync.Map
}

// pod is a Pod that was scheduled on this node.
type pod struct {
	*core.Pod
	// Done when the Pod has to terminate.
	ctx       context.Context
	terminate context.CancelFunc

	mutex sync.Mutex
	// Set once the container has been started.
	container *container
	// Whether the container's state has been reported.
	isReported bool
}

func newPods(client kubernetes.Interface, node string, marks marker, rotation int) *pods {
	return &pods{client: client, node: node, marks: marks, rotation: rotation, known: map[string]*pod{}}
}

// watch runs the Pods that are scheduled on this node.
func (p *pods) watch(ctx context.Context) {
	selector := fields.OneTermEqualSelector("spec.nodeName", p.node)
	source := cache.NewListWatchFromClient(p.client.CoreV1().RESTClient(), "pods", core.NamespaceAll, selector)
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: source,
		ObjectType:    &core.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { p.update(object.(*core.Pod)) },
			UpdateFunc: func(_, object any) { p.update(object.(*core.Pod)) },
			DeleteFunc: func(object any) {
				if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
					object = last.Obj
				}
				p.remove(object.(*core.Pod))
			},
		},
	})
	controller.RunWithContext(ctx)
}

func (p *pods) update(object *core.Pod) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	key := object.Namespace + "/" + object.Name
	known, isKnown := p.known[key]
	if !isKnown {
		known = &pod{Pod: object}
		known.ctx, known.terminate = context.WithCancel(context.Background())
		p.known[key] = known
		go p.run(known)
	}
	if object.DeletionTimestamp != nil {
		known.terminate()
	}
}

func (p *pods) remove(object *core.Pod) {
	if known := p.find(object.Namespace, object.Name); known != nil && known.UID == object.UID {
		known.terminate()
		p.mutex.Lock()
		defer p.mutex.Unlock()
		delete(p.known, object.Namespace+"/"+object.Name)
	}
}

func (p *pods) find(namespace, name string) *pod {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.known[namespace+"/"+name]
}

// run runs a Pod until it is deleted.
func (p *pods) run(one *pod) {
	p.reportStatus(one, core.PodPending, core.ContainerState{
		Waiting: &core.ContainerStateWaiting{Reason: "ContainerCreating"},
	})
	if program, isMounted := p.mount(one); isMounted {
		c := newContainer(one.Spec.Containers[0].Args, p.marks, p.rotation)
		p.recordEvent(one, core.EventTypeNormal, "Pulled", "Container image already present on machine", true)
		p.recordEvent(one, core.EventTypeNormal, "Created", "Created container", true)
		one.mutex.Lock()
		one.container = c
		one.mutex.Unlock()
		c.launch(program)
		p.recordEvent(one, core.EventTypeNormal, "Started", "Started container", true)
		p.follow(one, c)
	} else {
		p.reportStatus(one, core.PodFailed, core.ContainerState{
			Terminated: &core.ContainerStateTerminated{ExitCode: 137, Reason: "ContainerStatusUnknown"},
		})
	}
	<-one.ctx.Done()
	now, uid := int64(0), one.UID
	err := p.client.CoreV1().Pods(one.Namespace).Delete(context.Background(), one.Name, meta.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &meta.Preconditions{UID: &uid},
	})
	ignore(err)
}

// follow reports the state of a container until it has terminated.
func (p *pods) follow(one *pod, c *container) {
	started := meta.Now()
	running := core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: started}}
	nextRelist := time.After(time.Until(time.Now().Truncate(relistInterval).Add(relistInterval)))
	for terminating := one.ctx.Done(); ; {
		select {
		case <-terminating:
			c.terminate()
			terminating = nil
			continue
		case <-nextRelist:
			nextRelist = nil
			p.reportStatus(one, core.PodRunning, running)
			continue
		case <-c.terminated:
		}
		break
	}
	ended := meta.Now()
	time.Sleep(time.Until(ended.Truncate(relistInterval).Add(relistInterval)))
	p.reportStatus(one, core.PodSucceeded, core.ContainerState{Terminated: &core.ContainerStateTerminated{
		Reason: "Completed", StartedAt: started, FinishedAt: ended, ContainerID: containerID(one),
	}})
}

// mount fetches the sources of the volumes. It returns the program, if a volume has it, and whether all
// sources exist.
func (p *pods) mount(one *pod) ([]byte, bool) {
	var program []byte
	for _, volume := range one.Spec.Volumes {
		if volume.Projected == nil {
			continue
		}
		for _, source := range volume.Projected.Sources {
			if source.ConfigMap == nil {
				continue
			}
			for pause := mountBackoff; ; pause = min(pause*2, maxMountBackoff) {
				found, err := p.configMap(one.Namespace, source.ConfigMap.Name)
				if err == nil {
					program = append(program, found.BinaryData["program"]...)
					break
				}
				message := fmt.Sprintf("MountVolume.SetUp failed for volume %q : %v", volume.Name, err)
				p.recordEvent(one, core.EventTypeWarning, "FailedMount", message, false)
				select {
				case <-time.After(pause):
				case <-one.ctx.Done():
					return nil, false
				}
			}
		}
	}
	return program, one.ctx.Err() == nil
}

func (p *pods) configMap(namespace, name string) (*core.ConfigMap, error) {
	key := namespace + "/" + name
	if known, ok := p.immutable.Load(key); ok {
		return known.(*core.ConfigMap), nil
	}
	found, err := p.client.CoreV1().ConfigMaps(namespace).Get(context.Background(), name, meta.GetOptions{})
	// ConfigMaps with an owner are programs, which are used once.
	if err == nil && len(found.OwnerReferences) == 0 {
		p.immutable.Store(key, found)
	}
	return found, err
}

// recordEvent creates an event, of the Pod or of its container.
func (p *pods) recordEvent(one *pod, level, reason, message string, ofContainer bool) {
	now := meta.Now()
	about := core.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: one.Namespace, Name: one.Name, UID: one.UID,
	}
	if ofContainer {
		about.FieldPath = fmt.Sprintf("spec.containers{%s}", one.Spec.Containers[0].Name)
	}
	_, err := p.client.CoreV1().Events(one.Namespace).Create(context.Background(), &core.Event{
		ObjectMeta:     meta.ObjectMeta{GenerateName: one.Name + ".", Namespace: one.Namespace},
		InvolvedObject: about, Reason: reason, Message: message, Type: level, Count: 1,
		FirstTimestamp: now, LastTimestamp: now,
		Source:              core.EventSource{Component: "kubelet", Host: p.node},
		ReportingController: "kubelet", ReportingInstance: p.node,
	}, meta.CreateOptions{})
	ignore(err)
}

// reportStatus patches the status of a Pod.
func (p *pods) reportStatus(one *pod, phase core.PodPhase, state core.ContainerState) {
	isRunning, now := state.Running != nil, meta.Now()
	condition := func(kind core.PodConditionType, isSo bool) core.PodCondition {
		status := core.ConditionFalse
		if isSo {
			status = core.ConditionTrue
		}
		return core.PodCondition{Type: kind, Status: status, LastTransitionTime: now}
	}
	container := one.Spec.Containers[0]
	status := core.PodStatus{
		Phase: phase,
		Conditions: []core.PodCondition{
			condition(core.PodReadyToStartContainers, isRunning), condition(core.PodInitialized, true),
			condition(core.PodReady, isRunning), condition(core.ContainersReady, isRunning),
		},
		ContainerStatuses: []core.ContainerStatus{{
			Name: container.Name, Image: container.Image, ImageID: container.Image,
			State: state, Ready: isRunning, Started: &isRunning,
		}},
	}
	if one.Status.StartTime == nil {
		one.Status.StartTime = &now
	}
	status.StartTime = one.Status.StartTime
	if state.Waiting == nil {
		status.ContainerStatuses[0].ContainerID = containerID(one)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": one.UID}, "status": status})
	if err == nil {
		_, err = p.client.CoreV1().Pods(one.Namespace).Patch(
			context.Background(), one.Name, types.StrategicMergePatchType, patch, meta.PatchOptions{}, "status")
	}
	ignore(err)
	one.mutex.Lock()
	defer one.mutex.Unlock()
	one.isReported = one.container != nil
}

func containerID(one *pod) string { return "fake-node://" + string(one.UID) }

// ignore logs an error after which the Pod continues, such as a request for a deleted Pod.
func ignore(err error) {
	if err != nil {
		log.Print(err)
	}
}
