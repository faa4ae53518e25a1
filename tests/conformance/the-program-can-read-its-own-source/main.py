import inspect


class Greeter:
    def greet(self, name="you"):  # a comment
        return f"hello {name}"


print(inspect.getsource(Greeter.greet), inspect.getsourcefile(Greeter), inspect.getsourcelines(Greeter)[1])
