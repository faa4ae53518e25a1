//! What an overlay may add to a Pod. What is not listed may not be added, which includes fields of later
//! Kubernetes versions.

use serde_json::Value;

/// Folders that the kernel or the container runtime fills.
pub(super) const RESERVED: &[&str] = &["/proc", "/sys", "/dev", "/etc"];

/// Why a name or a value may not be added.
type Reason = Option<&'static str>;

/// What may be added at one path of a Pod.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// Any value.
    Anything,
    /// Nothing here and below, with the reason.
    Nothing(&'static str),
    /// Values that pass the check.
    Check(fn(&Value) -> Reason),
    /// These fields, with the reason why no others.
    Fields(&'static [(&'static str, Rule)], &'static str),
    /// Fields whose names pass the check, with any value.
    Names(fn(&str) -> Reason),
    /// New elements by this rule. Existing elements stay unchanged.
    NewElements(&'static Rule),
    /// Additions to existing elements by this rule, with the reason why no new elements.
    ExistingElements(&'static Rule, &'static str),
}

impl Rule {
    /// The rule for a field of what this rule is for.
    pub(super) fn field(self, name: &str) -> Self {
        match self {
            Self::Fields(fields, others) => fields
                .iter()
                .find(|(field, _)| *field == name)
                .map_or(Self::Nothing(others), |(_, rule)| *rule),
            Self::Names(check) => check(name).map_or(Self::Anything, Self::Nothing),
            Self::Nothing(_) => self,
            Self::Anything | Self::Check(_) | Self::NewElements(_) | Self::ExistingElements(..) => {
                Self::Nothing(UNLISTED)
            }
        }
    }

    /// The rule for an element of what this rule is for.
    pub(super) fn element(self, exists: bool) -> Self {
        match self {
            Self::NewElements(_) if exists => Self::Nothing(CHANGES),
            Self::NewElements(rule) => *rule,
            Self::ExistingElements(rule, _) if exists => *rule,
            Self::ExistingElements(_, others) => Self::Nothing(others),
            Self::Nothing(_) => self,
            Self::Anything | Self::Check(_) | Self::Fields(..) | Self::Names(_) => Self::Nothing(UNLISTED),
        }
    }
}

const UNLISTED: &str = "an overlay may not add this field";
const CHANGES: &str = "it would change a part of the sandbox";
const WEAKENS: &str = "it would weaken the sandbox";
const SETTINGS: &str = "another setting determines it";
const OTHER_CONTAINER: &str = "it would start another container";
const HOOK: &str = "it would run a command in the sandbox, or end the execution";
const IDENTITY: &str = "it would give the sandbox an identity in the cluster";

/// The whole template.
pub(super) const POD: Rule = Rule::Fields(&[("metadata", METADATA), ("spec", SPEC)], UNLISTED);

const METADATA: Rule =
    Rule::Fields(&[("annotations", Rule::Names(annotation)), ("labels", Rule::Names(label))], UNLISTED);

const SPEC: Rule = Rule::Fields(
    &[
        ("affinity", Rule::Anything),
        ("containers", Rule::ExistingElements(&CONTAINER, OTHER_CONTAINER)),
        ("ephemeralContainers", Rule::Nothing(OTHER_CONTAINER)),
        ("hostAliases", Rule::Anything),
        ("hostIPC", Rule::Check(off)),
        ("hostNetwork", Rule::Check(off)),
        ("hostPID", Rule::Check(off)),
        ("imagePullSecrets", Rule::Anything),
        ("initContainers", Rule::Nothing(OTHER_CONTAINER)),
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
        ("volumes", Rule::NewElements(&VOLUME)),
    ],
    UNLISTED,
);

/// The groups that may read added volumes.
const POD_SECURITY: Rule = Rule::Fields(
    &[
        ("fsGroup", Rule::Check(group)),
        ("fsGroupChangePolicy", Rule::Anything),
        ("supplementalGroups", Rule::NewElements(&Rule::Check(group))),
    ],
    WEAKENS,
);

const CONTAINER: Rule = Rule::Fields(
    &[
        ("env", Rule::NewElements(&VARIABLE)),
        ("envFrom", Rule::NewElements(&Rule::Check(variables))),
        ("imagePullPolicy", Rule::Anything),
        ("lifecycle", Rule::Nothing(HOOK)),
        ("livenessProbe", Rule::Nothing(HOOK)),
        ("ports", Rule::NewElements(&PORT)),
        ("readinessProbe", Rule::Nothing(HOOK)),
        ("resources", RESOURCES),
        // Each of its fields would override the Pod's, or lift a restriction.
        ("securityContext", Rule::Nothing(WEAKENS)),
        ("startupProbe", Rule::Nothing(HOOK)),
        ("terminationMessagePolicy", Rule::Anything),
        ("volumeMounts", Rule::NewElements(&MOUNT)),
    ],
    UNLISTED,
);

/// A variable of the container. Programs have it too, like those of the image.
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

/// `verify::mounts` checks the path.
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

/// The types that the Pod Security Standard `restricted` allows.
const VOLUME: Rule = Rule::Fields(
    &[
        ("configMap", Rule::Anything),
        ("csi", Rule::Anything),
        ("downwardAPI", Rule::Anything),
        ("emptyDir", Rule::Anything),
        ("ephemeral", Rule::Anything),
        ("name", Rule::Anything),
        ("persistentVolumeClaim", Rule::Anything),
        (
            "projected",
            Rule::Fields(
                &[("defaultMode", Rule::Anything), ("sources", Rule::NewElements(&SOURCE))],
                UNLISTED,
            ),
        ),
        ("secret", Rule::Anything),
    ],
    "an overlay may not add a volume of this type",
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
    value.as_i64().is_none_or(|id| id <= 0).then_some("it would put the sandbox into the group root")
}

fn propagation(value: &Value) -> Reason {
    (value != "None").then_some(WEAKENS)
}

/// Labels and annotations of Cofferdam. Not every Pod has all of them.
fn label(key: &str) -> Reason {
    let domain = key.split('/').next().unwrap_or_default();
    let own = domain == "cofferdam.dev" || domain.ends_with(".cofferdam.dev");
    (own || key.starts_with("app.kubernetes.io/managed-by"))
        .then_some("Cofferdam uses it to find its own objects")
}

/// Annotations that configure container runtimes, network plug-ins and old versions of Kubernetes.
fn annotation(key: &str) -> Reason {
    const CONFIGURING: &[&str] = &[
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
    let configures = CONFIGURING.iter().any(|prefix| key.starts_with(prefix));
    configures.then_some(WEAKENS).or_else(|| label(key))
}

/// The linker's variables change the runner, and `PATH` the interpreter that it finds.
fn variable(name: &Value) -> Reason {
    let changes_runner = name.as_str().is_none_or(|name| name == "PATH" || name.starts_with("LD_"));
    changes_runner.then_some("it would change the runner, or the interpreter that it finds")
}

/// A source may contain any name, so its prefix has to exclude the names that [`variable`] refuses.
fn variables(source: &Value) -> Reason {
    let prefix = source.get("prefix").and_then(Value::as_str).unwrap_or_default();
    let is_open = prefix.starts_with("LD_") || "LD_".starts_with(prefix) || "PATH".starts_with(prefix);
    is_open.then_some("without another `prefix` it could set `PATH` or `LD_PRELOAD`")
}

/// The plan sets the limits of CPU, memory and storage. The names of devices have a domain.
fn limit(name: &str) -> Reason {
    (!name.contains('/')).then_some(SETTINGS)
}

fn request(name: &str) -> Reason {
    if ["cpu", "memory", "ephemeral-storage"].contains(&name) { None } else { limit(name) }
}
