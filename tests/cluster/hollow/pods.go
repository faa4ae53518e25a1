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

// relist is how often a kubelet looks at what its containers do, and tells of it.
const relist = time.Second

// Between two tries to mount a volume.
const (
	mountBackoff    = 500 * time.Millisecond
	maxMountBackoff = 2 * time.Minute
)

// pods are those of this node.
type pods struct {
	client   kubernetes.Interface
	node     string
	marks    marker
	rotation int

	mutex sync.Mutex
	known map[string]*pod
	// ConfigMaps that never change, by namespace and name.
	immutable sync.Map
}

// pod is one that was sent here.
type pod struct {
	*core.Pod
	// Done when it is to end.
	ctx       context.Context
	terminate context.CancelFunc

	mutex sync.Mutex
	// Once it has been started.
	container *container
	// Whether the cluster has been told of that.
	isTold bool
}

func newPods(client kubernetes.Interface, node string, marks marker, rotation int) *pods {
	return &pods{client: client, node: node, marks: marks, rotation: rotation, known: map[string]*pod{}}
}

// watch runs what is sent here.
func (p *pods) watch(ctx context.Context) {
	selector := fields.OneTermEqualSelector("spec.nodeName", p.node)
	source := cache.NewListWatchFromClient(p.client.CoreV1().RESTClient(), "pods", core.NamespaceAll, selector)
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: source,
		ObjectType:    &core.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(object any) { p.see(object.(*core.Pod)) },
			UpdateFunc: func(_, object any) { p.see(object.(*core.Pod)) },
			DeleteFunc: func(object any) {
				if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
					object = last.Obj
				}
				p.forget(object.(*core.Pod))
			},
		},
	})
	controller.RunWithContext(ctx)
}

func (p *pods) see(object *core.Pod) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	key := object.Namespace + "/" + object.Name
	seen, isKnown := p.known[key]
	if !isKnown {
		seen = &pod{Pod: object}
		seen.ctx, seen.terminate = context.WithCancel(context.Background())
		p.known[key] = seen
		go p.run(seen)
	}
	if object.DeletionTimestamp != nil {
		seen.terminate()
	}
}

func (p *pods) forget(object *core.Pod) {
	if seen := p.find(object.Namespace, object.Name); seen != nil && seen.UID == object.UID {
		seen.terminate()
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

// run is all of a Pod's life here.
func (p *pods) run(one *pod) {
	p.tell(one, core.PodPending, core.ContainerState{
		Waiting: &core.ContainerStateWaiting{Reason: "ContainerCreating"},
	})
	if program, isMounted := p.mount(one); isMounted {
		c := newContainer(one.Spec.Containers[0].Args, p.marks, p.rotation)
		p.say(one, core.EventTypeNormal, "Pulled", "Container image already present on machine", true)
		p.say(one, core.EventTypeNormal, "Created", "Created container", true)
		one.mutex.Lock()
		one.container = c
		one.mutex.Unlock()
		c.start(program)
		p.say(one, core.EventTypeNormal, "Started", "Started container", true)
		p.follow(one, c)
	} else {
		p.tell(one, core.PodFailed, core.ContainerState{
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

// follow tells of a container until it has ended.
func (p *pods) follow(one *pod, c *container) {
	started := meta.Now()
	running := core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: started}}
	look := time.After(time.Until(time.Now().Truncate(relist).Add(relist)))
	for terminating := one.ctx.Done(); ; {
		select {
		case <-terminating:
			c.terminate()
			terminating = nil
			continue
		case <-look:
			look = nil
			p.tell(one, core.PodRunning, running)
			continue
		case <-c.gone:
		}
		break
	}
	ended := meta.Now()
	time.Sleep(time.Until(ended.Truncate(relist).Add(relist)))
	p.tell(one, core.PodSucceeded, core.ContainerState{Terminated: &core.ContainerStateTerminated{
		Reason: "Completed", StartedAt: started, FinishedAt: ended, ContainerID: containerID(one),
	}})
}

// mount gets what the volumes are made of; it gives the program, where it is among that, and whether all is there.
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
				p.say(one, core.EventTypeWarning, "FailedMount", message, false)
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
	// Programs are used once.
	if err == nil && len(found.OwnerReferences) == 0 {
		p.immutable.Store(key, found)
	}
	return found, err
}

// say sends an event, of the Pod or of its container.
func (p *pods) say(one *pod, level, reason, message string, ofContainer bool) {
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

// tell writes a Pod's state, as it is now.
func (p *pods) tell(one *pod, phase core.PodPhase, state core.ContainerState) {
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
	one.isTold = one.container != nil
}

func containerID(one *pod) string { return "hollow://" + string(one.UID) }

// ignore is for what a Pod need not wait for, and what it cannot have once it is gone.
func ignore(err error) {
	if err != nil {
		log.Print(err)
	}
}
