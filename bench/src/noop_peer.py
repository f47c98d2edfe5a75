# DBOS on SQLite: workflows of one step that does nothing, all asked for at once. Prints workflows per second.
import json
import sys
import time

from dbos import DBOS

folder, count = sys.argv[1], int(sys.argv[2])
DBOS(config={
    "name": "figures", "system_database_url": f"sqlite:///{folder}/peer.sqlite",
    "log_level": "ERROR", "run_admin_server": False,
})


@DBOS.step()
def nothing():
    return None


@DBOS.workflow()
def noop():
    nothing()


DBOS.launch()
for handle in [DBOS.start_workflow(noop) for _ in range(10)]:
    handle.get_result()
began = time.monotonic()
for handle in [DBOS.start_workflow(noop) for _ in range(count)]:
    handle.get_result()
took = time.monotonic() - began
DBOS.destroy()
print(json.dumps({"rate": count / took}))
