import os

known = """/var/run/secrets/kubernetes.io/serviceaccount/token /run/secrets/kubernetes.io/serviceaccount/token
/var/run/secrets/eks.amazonaws.com/serviceaccount/token /var/run/secrets/tokens/azure-identity-token
/etc/kubernetes/admin.conf /var/lib/kubelet/kubeconfig /var/lib/kubelet/pki/kubelet-client-current.pem
/root/.kube/config /root/.aws/credentials /root/.docker/config.json /root/.ssh/id_ed25519 /root/.netrc
/root/.config/gcloud/application_default_credentials.json /etc/shadow /etc/gshadow /etc/ssh/ssh_host_ed25519_key
/etc/ssl/private/ssl-cert-snakeoil.key /proc/1/environ /run/cofferdam/token""".split()


def readable(path):
    try:
        with open(path, "rb") as file:
            return bool(file.read(1))
    except OSError:
        return False


print("known places:", [path for path in known if readable(path)])

names = ("token", "kubeconfig", "credentials", "id_rsa", "id_ed25519", "shadow", "admin.conf", ".netrc", ".pgpass")
found = []
for top, folders, files in os.walk("/"):
    # Programs and documentation have no secrets; other cases check /proc.
    folders[:] = [folder for folder in folders if os.path.join(top, folder) not in ("/proc", "/sys", "/usr", "/dev")]
    found += [os.path.join(top, name) for name in files if name in names and readable(os.path.join(top, name))]
print("anywhere:", found)

words = ("KUBERNETES", "TOKEN", "SECRET", "PASSWORD", "AWS_", "GOOGLE_", "AZURE_", "_KEY", "PROXY", "COFFERDAM")
print("in the environment:", [name for name in os.environ if any(word in name.upper() for word in words)])
