"""APScheduler with its store in memory: N jobs due at one instant, each starts one command. Prints processor seconds.

Must not know more than its arguments: N, threads, folder for stamps, command.
"""

import datetime
import os
import resource
import subprocess
import sys
import threading
import time

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

count, threads, stamps, words = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
left, lock, over = [count], threading.Lock(), threading.Event()
due = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=10)
nominal = str(int(due.timestamp() * 1_000_000) * 1_000)


def job(n):
    env = {"STAMPS": stamps, "SEAWORTHY_RUN": f"peer-{n}", "STAMP_DUE": nominal}
    null = subprocess.DEVNULL
    subprocess.run(words, env=env, stdin=null, stdout=null, stderr=null, check=True)
    with lock:
        left[0] -= 1
        if left[0] == 0:
            over.set()


scheduler = BackgroundScheduler(
    executors={"default": ThreadPoolExecutor(threads)},
    job_defaults={"misfire_grace_time": None, "coalesce": False, "max_instances": 1},
)
for n in range(count):
    scheduler.add_job(job, "date", run_date=due, args=[n])
scheduler.start()
time.sleep(max(0, due.timestamp() - time.time() - 1))


def spent():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


before = spent()
over.wait(600)
print(spent() - before)
sys.stdout.flush()
os._exit(0)
