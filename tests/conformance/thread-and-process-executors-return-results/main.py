import concurrent.futures as futures

def inverse(x):
    return 1 / x

if __name__ == "__main__":
    for kind in (futures.ThreadPoolExecutor, futures.ProcessPoolExecutor):
        with kind(2) as pool:
            jobs = [pool.submit(inverse, x) for x in (4, 0, 8)]
            print([job.result() if not job.exception() else repr(job.exception()) for job in jobs])
