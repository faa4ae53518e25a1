import io, tarfile, zipfile
with zipfile.ZipFile("out.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for number in range(3):
        archive.writestr(f"part/{number}.txt", str(number) * 1000)
with tarfile.open("out.tar.xz", "w:xz") as archive:
    archive.add("out.zip")
inner = tarfile.open("out.tar.xz").extractfile("out.zip").read()
print(zipfile.ZipFile(io.BytesIO(inner)).namelist(), zipfile.ZipFile("out.zip").testzip())
