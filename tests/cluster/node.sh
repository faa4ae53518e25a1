#!/usr/bin/env bash
# The node's first process, in new namespaces: sets up mounts and network, starts all programs, and ends when the first of them
# ends. Descriptor 3 is the network namespace of the real machine.
source "$(dirname "$0")/lib.sh"
read -r pid _ </proc/self/stat # the process id outside
echo "$pid" >"$STATE/pid"

# The programs find their usual folders, but write nothing to the machine's.
mount -t proc proc /proc
mount --make-rshared /
mkdir "$STATE"/{lib,work,tunables}
mount --bind "$STATE/log" /var/log
mount -t tmpfs -o mode=755 tmpfs /run
# Image layers cannot be stored on an overlay, such as a container's disk; use memory there.
if mount -t overlay -o "lowerdir=/usr,upperdir=$STATE/lib,workdir=$STATE/work" overlay /var/lib 2>/dev/null; then
    umount /var/lib
    mount --bind "$STATE/lib" /var/lib
else
    mount -t tmpfs -o mode=755 tmpfs /var/lib
fi
mkdir /run/pki
cp -r tests/cluster/config /run/config
# Tests add registries while the node runs.
mkdir "$STATE/registries"
ln -s "$STATE/registries" /run/registries
# The kubelet sets these sysctls, which would affect the whole machine.
for tunable in vm/{overcommit_memory,panic_on_oom} kernel/{panic,panic_on_oops,keys/root_maxbytes,keys/root_maxkeys}; do
    cp "/proc/sys/$tunable" "$STATE/tunables/${tunable##*/}"
    mount --bind "$STATE/tunables/${tunable##*/}" "/proc/sys/$tunable"
done

# The machine is the node's only neighbour; there is no other route.
machine() { nsenter --net=/proc/self/fd/3 "$@"; }
machine ip link add "$NAME" type veth peer name eth0 netns 1
machine ip address add "$MACHINE_ADDRESS/30" dev "$NAME"
machine ip link set "$NAME" up
exec 3<&-
ip link set lo up
ip address add "$ADDRESS/30" dev eth0
ip link set eth0 up
# Pods cannot reach the machine.
iptables -A FORWARD -o eth0 -j REJECT
# Replaces kube-proxy: the only Service is the API server's.
iptables -t nat -A PREROUTING -d 10.96.0.1 -p tcp --dport 443 -j DNAT --to-destination "$ADDRESS:6443"

# certificate NAME SUBJECT [EXTENSION...]: signed by the certificate authority, which is self-signed.
certificate() {
    local name=$1 subject=$2 authority=()
    shift 2
    if [ "$name" != ca ]; then
        authority=(-CA /run/pki/ca.crt -CAkey /run/pki/ca.key -addext "basicConstraints=critical,CA:FALSE")
    fi
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "$subject" \
        "${authority[@]}" "$@" -keyout "/run/pki/$name.key" -out "/run/pki/$name.crt"
}

# kubeconfig NAME SUBJECT
kubeconfig() {
    certificate "$1" "$2"
    cat >"/run/pki/$1.kubeconfig" <<END
apiVersion: v1
kind: Config
clusters:
- name: $NAME
  cluster:
    server: https://$ADDRESS:6443
    certificate-authority-data: $(base64 -w0 /run/pki/ca.crt)
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "/run/pki/$1.crt")
    client-key-data: $(base64 -w0 "/run/pki/$1.key")
contexts:
- name: $NAME
  context: { cluster: $NAME, user: $1 }
current-context: $NAME
END
}

# start NAME PROGRAM OPTION...: the node ends when the program ends. After a SIGHUP it is restarted.
trap 'exit 1' TERM
start() {
    local name=$1
    shift
    {
        local status=129
        while [ $status = 129 ]; do
            status=0
            "$@" >>"/var/log/$name.log" 2>&1 || status=$?
        done
        echo "$name" >"$STATE/ended"
        kill 1
    } &
}

# await COMMAND...: without a timeout, because up.sh has one.
await() { until "$@" >/dev/null 2>&1; do sleep 0.05; done; }

programs=$CLUSTER/kubernetes
runsc=$CACHE/bin/runsc
[ -x "$runsc" ] || runsc=$(command -v runsc)

start etcd "$programs/server" --data-dir /var/lib/etcd --unsafe-no-fsync --log-level warn
PATH=$CLUSTER/containerd:$CLUSTER/gvisor:${runsc%/*}:$PATH start containerd \
    containerd --config /run/config/containerd.toml

certificate ca /CN=cofferdam
certificate apiserver /CN=kube-apiserver -addext "subjectAltName=IP:$ADDRESS,IP:10.96.0.1,DNS:kubernetes.default.svc"
certificate kubelet-client /O=system:masters/CN=kube-apiserver
kubeconfig admin /O=system:masters/CN=admin
kubeconfig controller-manager /CN=system:kube-controller-manager
kubeconfig scheduler /CN=system:kube-scheduler
kubeconfig kubelet "/O=system:nodes/CN=system:node:$NAME"
install -m 600 /run/pki/admin.kubeconfig "$KUBECONFIG"

start apiserver "$programs/kube-apiserver" --etcd-servers http://127.0.0.1:2379 --advertise-address "$ADDRESS" \
    --service-cluster-ip-range 10.96.0.0/16 --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
    --anonymous-auth=false --allow-privileged --kubelet-preferred-address-types InternalIP \
    --tls-cert-file /run/pki/apiserver.crt --tls-private-key-file /run/pki/apiserver.key \
    --client-ca-file /run/pki/ca.crt \
    --kubelet-client-certificate /run/pki/kubelet-client.crt --kubelet-client-key /run/pki/kubelet-client.key \
    --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file /run/pki/apiserver.crt --service-account-signing-key-file /run/pki/apiserver.key

import_images() {
    local containerd=("$CLUSTER/containerd/ctr" --namespace k8s.io) image
    await "${containerd[@]}" version
    for image in "$CLUSTER"/images/*.tar; do "${containerd[@]}" images import "$image"; done
}
import_images &
importing=$!
await "$programs/kubectl" get --raw /readyz
"$programs/kubectl" create --filename /run/config/runtime-class.yaml

# By default the controllers and the scheduler are limited to few requests a second.
qps=() jobs=()
if [ -n "$CONTROL_PLANE_QPS" ]; then
    qps=(--kube-api-qps "$CONTROL_PLANE_QPS" --kube-api-burst "$CONTROL_PLANE_QPS")
    jobs=(--concurrent-job-syncs 50)
fi
start controller-manager "$programs/kube-controller-manager" --kubeconfig /run/pki/controller-manager.kubeconfig \
    "${qps[@]}" "${jobs[@]}" \
    --leader-elect=false --use-service-account-credentials --flex-volume-plugin-dir /var/lib/kubelet/volume-plugins \
    --root-ca-file /run/pki/ca.crt --service-account-private-key-file /run/pki/apiserver.key
start scheduler "$programs/kube-scheduler" --kubeconfig /run/pki/scheduler.kubeconfig --leader-elect=false "${qps[@]}"
wait $importing
start kubelet "$programs/kubelet" --kubeconfig /run/pki/kubelet.kubeconfig --config /run/config/kubelet.yaml \
    --hostname-override "$NAME" --node-ip "$ADDRESS" --node-labels sandbox.gke.io/runtime=gvisor
wait
