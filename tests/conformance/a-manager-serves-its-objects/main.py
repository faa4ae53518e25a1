import multiprocessing as mp

def fill(shared, key):
    shared[key] = key * 2

if __name__ == "__main__":
    with mp.Manager() as manager:
        shared = manager.dict()
        workers = [mp.Process(target=fill, args=(shared, key)) for key in range(3)]
        [worker.start() for worker in workers]
        [worker.join() for worker in workers]
        print(sorted(shared.items()))
