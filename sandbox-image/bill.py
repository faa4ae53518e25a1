"""The bill of materials of the image, as CycloneDX."""

import urllib.parse

import debs
import wheel_files
from download import file_of


def write(name, version, lock, tree, folder):
    """Every package of the lock, with its layer. The licences are those that the packages declare."""
    components = []
    for name_of_layer, layer in lock.items():
        described = [debian(one) | declared(debs.licences(tree, one["name"])) for one in layer["debian"]]
        for one in layer["wheels"]:
            licences = wheel_files.licences(folder / file_of(one)) + in_image(tree, one["name"])
            described.append(python(one) | declared(licences))
        components += [one | in_layer(name_of_layer) for one in described]
    components.sort(key=lambda one: one["bom-ref"])
    image = {"type": "container", "bom-ref": "image", "name": name, "version": version}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": f"{version}T00:00:00Z", "component": image},
        "components": components,
        "dependencies": [{"ref": "image", "dependsOn": [one["bom-ref"] for one in components]}],
    }


def licence_file(name):
    """Where an image has the licences of a package."""
    return f"usr/share/doc/{name}/copyright"


def in_image(tree, name):
    """A reference to the file with the licences of a wheel, if the image has one for it."""
    file = licence_file(name)
    return [f"see /{file} in the image"] if (tree.root / file).exists() else []


def component(package, kind, purl):
    return {
        "type": kind,
        "bom-ref": purl,
        "name": package["name"],
        "version": package["version"],
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": package["sha256"]}],
    }


def debian(package):
    version = urllib.parse.quote(package["version"], safe="")
    purl = f"pkg:deb/debian/{package['name']}@{version}?arch={package['architecture']}&upstream={package['source']}"
    return component(package, "library", purl)


def python(package):
    name = package["name"].lower().replace("_", "-")
    return component(package, "library", f"pkg:pypi/{name}@{package['version']}")


def declared(licences):
    return {"licenses": [{"license": {"name": one}} for one in licences]} if licences else {}


def in_layer(name):
    return {"properties": [{"name": "layer", "value": name}]}
