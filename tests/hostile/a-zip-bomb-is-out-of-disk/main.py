import zipfile

print("unpacking", flush=True)
zipfile.ZipFile("bomb.zip").extractall("out")
