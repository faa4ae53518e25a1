import copy, dataclasses, pickle

@dataclasses.dataclass(order=True, frozen=True)
class Point:
    x: int
    y: float = 0.5

points = [Point(2), Point(1, 1e-9)]
print(pickle.loads(pickle.dumps(points)) == points, copy.deepcopy(sorted(points)), Point.__module__)
