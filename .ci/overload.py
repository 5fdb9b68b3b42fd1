"""Clients that harm: thousands of connections that are not used, requests that
never end, bodies that come byte by byte, large bodies by the dozen, and more
requests than the machine can answer. Others go on being answered."""
import concurrent.futures
import resource
import threading
import time

from usher import *


def connect(server):
    s = socket.create_connection(("127.0.0.1", server.port))
    s.settimeout(30)
    return s


def latencies(rt, campaign, n, users=200):
    """The times of answers to one client that asks as usual, in seconds."""
    out = []
    for k in range(n):
        began = time.monotonic()
        r = rt.get_recommendations(campaignArn=campaign, userId=f"u{k % users}")
        out.append(time.monotonic() - began)
        check(len(r["itemList"]) == 25, f"an answer of {len(r['itemList'])} items")
    return sorted(out)


def quick(times, what, most=.25):
    """The median, and generously: machines that run CI do other things too."""
    median, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
    check(median < most, f"{what}: median {1000 * median:.1f} ms")
    print(f"{what}: median {1000 * median:.1f} ms, p99 {1000 * p99:.1f} ms", flush=True)


def rss(server):
    with open(f"/proc/{server.process.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


def post(server, path, length, body=b"", kind=b"application/json"):
    s = connect(server)
    s.sendall(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (path, kind, length) + body)
    return s


def idle(server, rt, campaign):
    """More connections than are kept: the oldest idle ones give way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    most = min(9000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    held = [connect(server) for _ in range(most)]
    quick(latencies(rt, campaign, 300), f"beside {most} connections that are not used")
    check(rss(server) < 1500, f"memory with {most} connections: {rss(server):.0f} MB")
    for s in held:
        s.close()


def slow(server, rt, campaign):
    """Requests whose head or body never ends."""
    held = []
    for k in range(300):
        s = connect(server)
        s.sendall(b"POST /recommendations HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        held += [s, post(server, b"/recommendations", 1000, b'{"campaignArn": "')]
    stop = threading.Event()

    def drip():
        while not stop.wait(.5):
            for s in held:
                try:
                    s.sendall(b"a")
                except OSError:
                    pass

    t = threading.Thread(target=drip)
    t.start()
    quick(latencies(rt, campaign, 300), f"beside {len(held)} clients that send a byte now and then")
    stop.set()
    t.join()
    for s in held:
        s.close()


def huge(server, rt, campaign):
    """Bodies above the bound are refused by their length or when they pass it; many
    large ones that arrive slowly take a bounded part of the memory."""
    s = post(server, b"/recommendations", 50 << 20)
    check(b" 413 " in s.recv(4000), "a length above the bound")
    s.close()
    s = connect(server)
    s.sendall(b"POST /recommendations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    try:
        for _ in range(8):
            s.sendall(chunk)
    except OSError:
        pass  # it was refused while it was sent
    try:
        check(b" 413 " in s.recv(4000), "a body that grows above the bound")
    except ConnectionResetError:
        check(True, "refused")
    s.close()
    before = rss(server)
    held = []
    for _ in range(120):
        s = post(server, b"/recommendations", 6 << 20)
        try:
            s.sendall(b" " * (5 << 20))
        except OSError:
            pass  # refused: too many of them
        held.append(s)
    quick(latencies(rt, campaign, 300), "beside 120 bodies of 5 MB that have not ended", .5)
    check(rss(server) - before < 1000, f"memory rose by {rss(server) - before:.0f} MB")
    for s in held:
        s.close()


def crowd(server, rt, campaign):
    """A crowd that asks without a pause: whoever is let in is answered, whoever is
    not is told at once and by AWS's code, and a client that tries again is served."""
    body = b'{"campaignArn":"%s","userId":"u%d"}'
    end = time.monotonic() + 4
    counts, refused, broken = [0], [0], []

    def one(k):
        s = connect(server)
        f = s.makefile("rb")
        n = 0
        while time.monotonic() < end:
            b = body % (campaign.encode(), (k * 131 + n) % 2000)
            n += 1
            s.sendall(b"POST /recommendations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(b) + b)
            status = f.readline()
            length = 0
            while (line := f.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            text = f.read(length)
            if b" 200 " in status:
                counts[0] += 1
            elif b"ThrottlingException" in text:
                refused[0] += 1
            else:
                broken.append((status, text))
        s.close()

    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        list(pool.map(one, range(200)))
    check(not broken and counts[0] > 100, f"{counts[0]} answers, {refused[0]} refusals, others: {broken[:2]}")
    print(f"a crowd of 200: {counts[0]} answers, {refused[0]} refusals", flush=True)
    quick(latencies(rt, campaign, 200), "afterwards")


def main():
    with Server() as server:
        p, rt = client("personalize"), client("personalize-runtime")
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="crowd")
        rows = [(f"u{u}", f"i{(u * 7 + k * k) % 500}", 0, 1_600_000_000 + k) for u in range(2000) for k in range(5)]
        s3.put_object(Bucket="crowd", Key="rows.csv", Body=csv(rows).encode())
        g, d = group(p, "crowd")
        check(imported(p, "rows", d, "s3://crowd/rows.csv")["status"] == "ACTIVE", "import")
        _, v, _ = trained(p, "popular", g, "aws-popularity-count")
        campaign, _ = deployed(p, "popular", v)
        quick(latencies(rt, campaign, 300), "alone")
        idle(server, rt, campaign)
        slow(server, rt, campaign)
        huge(server, rt, campaign)
        crowd(server, rt, campaign)
        check(server.stop() == 0, "SIGTERM ends the server cleanly")
    done()


main()
