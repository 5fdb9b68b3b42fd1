"""Programs of the shape of AWS's sample notebooks (.ci/notebooks) run one after
the other, from an empty account to an empty account, with nothing set but the
endpoint and dummy keys. The server has AWS's minimums and quotas."""
from usher import *

PROGRAMS = ["first_campaign", "video_on_demand", "update_datasets", "clean_up"]
NOTHING_BUT = ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "PATH", "HOME"]


def main():
    with Server() as server:
        env = {k: os.environ[k] for k in NOTHING_BUT if k in os.environ}
        for name in PROGRAMS:
            began = time.monotonic()
            program = pathlib.Path(__file__).with_name("notebooks") / f"{name}.py"
            r = subprocess.run([sys.executable, str(program), os.path.join(server.dir, "stored.json")], env=env, capture_output=True, text=True)
            check(r.returncode == 0, f"{name} runs to its end:\n{r.stdout[-2000:]}\n{r.stderr[-2000:]}")
            if r.returncode:
                break
            print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)
    done()


main()
