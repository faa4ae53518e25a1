//! What an overlay may add to a Pod. What is not listed may not be added, whatever Kubernetes comes to call it.

use serde_json::Value;

/// Folders that the kernel or the container's runtime fills.
pub(super) const RESERVED: &[&str] = &["/proc", "/sys", "/dev", "/etc"];

/// Why a name or a value may not be added.
type Reason = Option<&'static str>;

/// What may be added at some place of a Pod.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// Whatever is a value there.
    Anything,
    /// Nothing, here and below, and why.
    Nothing(&'static str),
    /// Values that pass.
    Check(fn(&Value) -> Reason),
    /// These fields, and why no others.
    Fields(&'static [(&'static str, Rule)], &'static str),
    /// Fields whose names pass, with any value.
    Names(fn(&str) -> Reason),
    /// New elements like this; those that are there stay as they are.
    New(&'static Rule),
    /// This to the elements that are there, and why no new ones.
    There(&'static Rule, &'static str),
}

impl Rule {
    /// The rule for a field of what this rule is for.
    pub(super) fn field(self, name: &str) -> Self {
        match self {
            Self::Fields(fields, others) => {
                fields.iter().find(|(field, _)| *field == name).map_or(Self::Nothing(others), |(_, rule)| *rule)
            }
            Self::Names(check) => check(name).map_or(Self::Anything, Self::Nothing),
            Self::Nothing(_) => self,
            Self::Anything | Self::Check(_) | Self::New(_) | Self::There(..) => Self::Nothing(UNLISTED),
        }
    }

    /// The rule for an element of what this rule is for.
    pub(super) fn element(self, is_there: bool) -> Self {
        match self {
            Self::New(_) if is_there => Self::Nothing(OWN),
            Self::New(rule) => *rule,
            Self::There(rule, _) if is_there => *rule,
            Self::There(_, others) => Self::Nothing(others),
            Self::Nothing(_) => self,
            Self::Anything | Self::Check(_) | Self::Fields(..) | Self::Names(_) => Self::Nothing(UNLISTED),
        }
    }
}

const UNLISTED: &str = "it is not among what an overlay may add";
const OWN: &str = "it would change what is the sandbox's own";
const WEAKENS: &str = "it would weaken the sandbox";
const SETTINGS: &str = "other settings decide on it";
const BESIDE: &str = "it would start something beside the runner";
const HOOK: &str = "it would run a command in the sandbox, or end the run";
const IDENTITY: &str = "it would give the sandbox an identity in the cluster";

/// The whole template.
pub(super) const POD: Rule = Rule::Fields(&[("metadata", METADATA), ("spec", SPEC)], UNLISTED);

const METADATA: Rule =
    Rule::Fields(&[("annotations", Rule::Names(annotation)), ("labels", Rule::Names(label))], UNLISTED);

const SPEC: Rule = Rule::Fields(
    &[
        ("affinity", Rule::Anything),
        ("containers", Rule::There(&CONTAINER, BESIDE)),
        ("ephemeralContainers", Rule::Nothing(BESIDE)),
        ("hostAliases", Rule::Anything),
        ("hostIPC", Rule::Check(off)),
        ("hostNetwork", Rule::Check(off)),
        ("hostPID", Rule::Check(off)),
        ("imagePullSecrets", Rule::Anything),
        ("initContainers", Rule::Nothing(BESIDE)),
        ("nodeName", Rule::Nothing("it would bypass the scheduler")),
        ("nodeSelector", Rule::Anything),
        ("preemptionPolicy", Rule::Anything),
        ("priorityClassName", Rule::Anything),
        ("resourceClaims", Rule::Anything),
        ("schedulerName", Rule::Anything),
        ("securityContext", POD_SECURITY),
        ("serviceAccount", Rule::Nothing(SETTINGS)),
        ("serviceAccountName", Rule::Nothing(SETTINGS)),
        ("shareProcessNamespace", Rule::Check(off)),
        ("tolerations", Rule::Anything),
        ("topologySpreadConstraints", Rule::Anything),
        ("volumes", Rule::New(&VOLUME)),
    ],
    UNLISTED,
);

/// What lets the sandbox read an added volume.
const POD_SECURITY: Rule = Rule::Fields(
    &[
        ("fsGroup", Rule::Check(group)),
        ("fsGroupChangePolicy", Rule::Anything),
        ("supplementalGroups", Rule::New(&Rule::Check(group))),
    ],
    WEAKENS,
);

const CONTAINER: Rule = Rule::Fields(
    &[
        ("env", Rule::New(&VARIABLE)),
        ("envFrom", Rule::New(&Rule::Check(variables))),
        ("imagePullPolicy", Rule::Anything),
        ("lifecycle", Rule::Nothing(HOOK)),
        ("livenessProbe", Rule::Nothing(HOOK)),
        ("ports", Rule::New(&PORT)),
        ("readinessProbe", Rule::Nothing(HOOK)),
        ("resources", RESOURCES),
        // Each of its fields would override the Pod's, or lift a restriction.
        ("securityContext", Rule::Nothing(WEAKENS)),
        ("startupProbe", Rule::Nothing(HOOK)),
        ("terminationMessagePolicy", Rule::Anything),
        ("volumeMounts", Rule::New(&MOUNT)),
    ],
    UNLISTED,
);

/// Of the runner's environment, which no program gets.
const VARIABLE: Rule = Rule::Fields(
    &[("name", Rule::Check(variable)), ("value", Rule::Anything), ("valueFrom", Rule::Anything)],
    UNLISTED,
);

const PORT: Rule = Rule::Fields(
    &[
        ("containerPort", Rule::Anything),
        ("hostIP", Rule::Nothing(WEAKENS)),
        ("hostPort", Rule::Nothing(WEAKENS)),
        ("name", Rule::Anything),
        ("protocol", Rule::Anything),
    ],
    UNLISTED,
);

const RESOURCES: Rule = Rule::Fields(
    &[("claims", Rule::Anything), ("limits", Rule::Names(limit)), ("requests", Rule::Names(request))],
    UNLISTED,
);

/// Where it is mounted, `verify::mounts` looks at.
const MOUNT: Rule = Rule::Fields(
    &[
        ("mountPath", Rule::Anything),
        ("mountPropagation", Rule::Check(propagation)),
        ("name", Rule::Anything),
        ("readOnly", Rule::Anything),
        ("recursiveReadOnly", Rule::Anything),
        ("subPath", Rule::Anything),
        ("subPathExpr", Rule::Anything),
    ],
    UNLISTED,
);

/// The kinds that the Pod Security Standard `restricted` allows.
const VOLUME: Rule = Rule::Fields(
    &[
        ("configMap", Rule::Anything),
        ("csi", Rule::Anything),
        ("downwardAPI", Rule::Anything),
        ("emptyDir", Rule::Anything),
        ("ephemeral", Rule::Anything),
        ("name", Rule::Anything),
        ("persistentVolumeClaim", Rule::Anything),
        ("projected", Rule::Fields(&[("defaultMode", Rule::Anything), ("sources", Rule::New(&SOURCE))], UNLISTED)),
        ("secret", Rule::Anything),
    ],
    "it is not among the kinds of volume that an overlay may add",
);

const SOURCE: Rule = Rule::Fields(
    &[
        ("clusterTrustBundle", Rule::Anything),
        ("configMap", Rule::Anything),
        ("downwardAPI", Rule::Anything),
        ("podCertificate", Rule::Nothing(IDENTITY)),
        ("secret", Rule::Anything),
        ("serviceAccountToken", Rule::Nothing(IDENTITY)),
    ],
    UNLISTED,
);

fn off(value: &Value) -> Reason {
    (value != &Value::Bool(false)).then_some(WEAKENS)
}

fn group(value: &Value) -> Reason {
    value.as_i64().is_none_or(|id| id <= 0).then_some("it would put the sandbox in the group of root")
}

fn propagation(value: &Value) -> Reason {
    (value != "None").then_some(WEAKENS)
}

/// Names that Cofferdam gives, of which only some are in the Pod of every run.
fn label(key: &str) -> Reason {
    let domain = key.split('/').next().unwrap_or_default();
    let own = domain == "cofferdam.dev" || domain.ends_with(".cofferdam.dev");
    (own || key.starts_with("app.kubernetes.io/managed-by")).then_some("Cofferdam finds its own by it")
}

/// Annotations that container runtimes, network plug-ins and old versions of Kubernetes take orders from.
fn annotation(key: &str) -> Reason {
    const ORDERS: &[&str] = &[
        "cdi.k8s.io/",
        "container.apparmor.security.beta.kubernetes.io",
        "container.seccomp.security.alpha.kubernetes.io",
        "dev.gvisor.",
        "io.containerd.",
        "io.katacontainers.",
        "io.kubernetes.cri",
        "k8s.v1.cni.cncf.io/",
        "org.criu.",
        "org.systemd.",
        "run.oci.",
        "seccomp.security.alpha.kubernetes.io",
        "security.alpha.kubernetes.io",
        "v1.multus-cni.io/",
    ];
    let orders = ORDERS.iter().any(|order| key.starts_with(order));
    orders.then_some(WEAKENS).or_else(|| label(key))
}

/// The linker's variables decide what the runner is, the search path which interpreter it finds.
fn variable(name: &Value) -> Reason {
    let decides = name.as_str().is_none_or(|name| name == "PATH" || name.starts_with("LD_"));
    decides.then_some("it would change the runner, or what it finds")
}

/// A whole map of variables may hold any name, so it is the prefix that has to keep those of [`variable`] out.
fn variables(source: &Value) -> Reason {
    let prefix = source.get("prefix").and_then(Value::as_str).unwrap_or_default();
    let lets_in = prefix.starts_with("LD_") || "LD_".starts_with(prefix) || "PATH".starts_with(prefix);
    lets_in.then_some("without another `prefix` it could set `PATH` or `LD_PRELOAD`")
}

/// Of a machine's own resources a run's plan says how much there is; devices and the like have a domain in their name.
fn limit(name: &str) -> Reason {
    (!name.contains('/')).then_some(SETTINGS)
}

fn request(name: &str) -> Reason {
    if ["cpu", "memory", "ephemeral-storage"].contains(&name) { None } else { limit(name) }
}
