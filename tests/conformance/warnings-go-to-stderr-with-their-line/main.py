import warnings
warnings.warn("old way", DeprecationWarning)
print("done")
