"""A hundred campaigns of 750,000 items, each with a model of its own, fall asleep
and wake: how long the first answer takes, with the model's file in the page cache and
without, and how much memory the server has. ITEMS, VERSIONS and FILES say otherwise;
the models are links to FILES different files where the disk has no room for all."""
import re
import statistics

from usher import *

ITEMS, VERSIONS, FILES = (os.environ.get(n, d) for n, d in (("ITEMS", "750000"), ("VERSIONS", "100"), ("FILES", "100")))
IDLE = int(os.environ.get("IDLE", 60))


def memory(server):
    """Resident MiB: of the program itself, and of files that are mapped."""
    text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return {name: int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) / 1024 for name in ("RssAnon", "RssFile")}


def told(m):
    return f"{m['RssAnon']:8.0f} MiB of its own, {m['RssFile']:8.0f} MiB of mapped files"


def cpu(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def forget(files):
    """Takes files out of the page cache; they are not mapped by anybody."""
    for name in files:
        with open(name) as f:
            os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def first_answers(server, campaigns, runtime, before=lambda n: None):
    """The seconds of the first answer of each campaign, its processor's seconds, and
    the answer."""
    times, used, answers = [], [], []
    for n, c in enumerate(campaigns):
        before(n)
        busy, began = cpu(server), time.monotonic()
        answers.append([i["itemId"] for i in runtime.get_recommendations(campaignArn=c, userId="user-00007", numResults=25)["itemList"]])
        times.append(time.monotonic() - began)
        used.append(cpu(server) - busy)
    return times, used, answers


def asleep(server):
    """Waits until all campaigns sleep: nothing is mapped any more."""
    for _ in range(2 * IDLE + 120):  # it is looked at once a minute
        if memory(server)["RssFile"] < 100:
            return True
        time.sleep(1)
    return False


def line(what, times, used):
    print(f"{what:34} first answer {statistics.median(times):6.3f} s, at most {max(times):6.3f} s; processor {statistics.median(used):5.2f} s", flush=True)


def main():
    with Server() as server:
        server.stop()
        data = os.path.join(server.dir, "data")
        versions = subprocess.run([BINARY, "bench", "folder", "-items", ITEMS, "-versions", VERSIONS, "-files", FILES, data],
                                  check=True, capture_output=True, text=True).stdout.split()
        models = sorted(pathlib.Path(data, "blobs", "models").iterdir(), key=lambda f: int(f.name.partition("-")[2] or 0))
        check(len(versions) == len(models) == int(VERSIONS), f"{len(versions)} versions, {len(models)} models")
        server.flags = ("-quotas", "none", "-campaign-idle", f"{IDLE}s")
        server.start()
        p, runtime = client("personalize"), client("personalize-runtime")
        print(f"{VERSIONS} campaigns of {ITEMS} items, models of {models[0].stat().st_size / 2**20:.0f} MiB in {FILES} files")
        print(f"{'before the first campaign':34} {told(memory(server))}", flush=True)
        campaigns = [p.create_campaign(name=f"c{n}", solutionVersionArn=v, minProvisionedTPS=1)["campaignArn"] for n, v in enumerate(versions)]
        for c in campaigns:
            r = wait(lambda: p.describe_campaign(campaignArn=c), "campaign", minutes=10, sleep=0.2)
            check(r["status"] == "ACTIVE", f"a campaign is {r}")
        _, _, want = first_answers(server, campaigns, runtime)
        check(asleep(server), "the campaigns do not fall asleep")
        print(f"{'all asleep':34} {told(memory(server))}", flush=True)
        times, used, answers = first_answers(server, campaigns, runtime)
        check(answers == want, "another answer after a sleep")
        print(f"{'all awake':34} {told(memory(server))}")
        line("woken, in the page cache", times, used)
        check(len({tuple(w) for w in want}) == 1 and len(want[0]) == 25, "models of one file answer the same")
        check(statistics.median(times) < 1, f"waking takes {times}")
        again, used, answers = first_answers(server, campaigns, runtime)
        line("already awake", again, used)
        check(answers == want, "another answer")
        check(asleep(server), "the campaigns do not fall asleep again")
        print(f"{'all asleep again':34} {told(memory(server))}", flush=True)
        times, used, answers = first_answers(server, campaigns[:10], runtime, lambda n: forget(models))
        line("woken, not in the page cache", times, used)
        check(answers == want[:10], "another answer after a sleep")
    done()


main()
