"""Principals as boto3 and the AWS CLI meet them: scopes and the words of their
refusals, keys that are rotated while the server runs, requests that are too old or
were altered, presigned URLs."""
import datetime
import functools
import hashlib
import hmac
import time
import urllib.error

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from usher import *

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEYS = """# access key, secret, name, scopes
AKIAADMIN  {s}  admin
AKIAREAD   {s}  reader   read
AKIAWRITE  {s}  writer   write
AKIASHOP   {s}  shop     runtime,events
AKIALOADER {s}  loader   s3
"""
ARN = "arn:aws:personalize:us-east-1:000000000000:"


class Keys:
    def __init__(self, folder):
        self.file = os.path.join(folder, "keys")
        self.write(KEYS)

    def write(self, text):
        """Puts a file in the place of the old one, as tools do that manage secrets."""
        with open(self.file + ".new", "w") as f:
            f.write(text.format(s=SECRET))
        os.chmod(self.file + ".new", 0o600)
        os.replace(self.file + ".new", self.file)


def of(key, name, secret=SECRET):
    return boto3.client(name, aws_access_key_id=key, aws_secret_access_key=secret, config=Config(retries={"max_attempts": 1}, signature_version="s3v4" if name == "s3" else None))


def refused(what, call, code, status, *texts):
    try:
        call()
    except ClientError as e:
        got, http = e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]
        return check(got == code and http == status and all(t in str(e) for t in texts), f"{what}: {code} {status} {texts}, got {http} {e}")
    return check(False, f"{what} was not refused")


def scopes():
    calls = {
        "read": lambda k: of(k, "personalize").list_dataset_groups(),
        "write": lambda k: of(k, "personalize").tag_resource(resourceArn=ARN + "dataset-group/g", tags=[{"tagKey": "k", "tagValue": k}]),
        "runtime": lambda k: of(k, "personalize-runtime").get_recommendations(campaignArn=ARN + "campaign/none", userId="u"),
        "events": lambda k: of(k, "personalize-events").put_events(trackingId="none", sessionId="s", eventList=[{"eventType": "t", "itemId": "i", "sentAt": 1}]),
        "s3": lambda k: of(k, "s3").list_objects_v2(Bucket="data"),
    }
    actions = {"read": "personalize:ListDatasetGroups", "write": "personalize:TagResource", "runtime": "personalize:GetRecommendations", "events": "personalize:PutEvents", "s3": "s3:ListBucket"}
    may = {"AKIAADMIN": set(calls), "AKIAREAD": {"read"}, "AKIAWRITE": {"write"}, "AKIASHOP": {"runtime", "events"}, "AKIALOADER": {"s3"}}
    names = dict(line.split()[0::2][:2] for line in KEYS.splitlines()[1:])
    for key, has in may.items():
        for scope, call in calls.items():
            if scope in has:
                try:
                    call(key)
                    check(True, "")
                except ClientError as e:  # the call went through to what it asks for
                    check(e.response["Error"]["Code"] in ("ResourceNotFoundException", "InvalidInputException"), f"{key} {scope}: {e}")
                continue
            text = f"User: arn:aws:iam::000000000000:user/{names[key]} is not authorized to perform: {actions[scope]} on resource: "
            refused(f"{key} {scope}", lambda: call(key), "AccessDenied" if scope == "s3" else "AccessDeniedException",
                    400 if scope in ("read", "write") else 403, text, f"because no identity-based policy allows the {actions[scope]} action")
    refused("a reader makes a role", lambda: of("AKIAREAD", "iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}"), "AccessDenied", 403, "iam:CreateRole")
    for key in may:
        who = of(key, "sts").get_caller_identity()
        check(who["Arn"] == f"arn:aws:iam::000000000000:user/{names[key]}", f"{key} is {who['Arn']}")
    code = subprocess.run(["aws", "personalize", "create-dataset-group", "--name", "x"], capture_output=True, text=True, env={**os.environ, "AWS_ACCESS_KEY_ID": "AKIAREAD", "AWS_SECRET_ACCESS_KEY": SECRET})
    check(code.returncode != 0 and "AccessDeniedException" in code.stderr, f"the CLI of a reader: {code.stderr}")


def until(what, call, works):
    """Waits until a call works, or does not any more: the server looks at the file
    every second."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            call()
            if works:
                return check(True, what)
        except ClientError as e:
            if not works:
                return check(e.response["Error"]["Code"] == "UnrecognizedClientException", f"{what}: {e}")
        time.sleep(0.05)
    check(False, f"{what}: the keys file is not followed")


def rotation(keys):
    old = lambda: of("AKIAREAD", "personalize").list_schemas()
    new = lambda: of("AKIAREAD2", "personalize", SECRET + "2").list_schemas()
    keys.write(KEYS + "AKIAREAD2 {s}2 reader read\n")
    until("the new key counts", new, True)
    old()
    check(of("AKIAREAD2", "sts", SECRET + "2").get_caller_identity()["Arn"].endswith("user/reader"), "both keys are one principal's")
    keys.write("".join(l for l in (KEYS + "AKIAREAD2 {s}2 reader read\n").splitlines(True) if not l.startswith("AKIAREAD ")))
    until("the old key counts no more", old, False)
    new()
    keys.write("this is no keys file\n")
    time.sleep(1.5)  # it has been looked at: nothing else shows that nothing happens
    new()
    keys.write(KEYS)
    until("the first file again", old, True)
    until("and only that", new, False)


def clock(minutes):
    """Makes botocore sign at another time, and gives what puts it right again."""
    real = botocore.auth.get_current_datetime
    botocore.auth.get_current_datetime = lambda *a, **k: real(*a, **k) + datetime.timedelta(minutes=minutes)

    def back():
        botocore.auth.get_current_datetime = real
    return back


def times():
    for minutes, fine in ((-14, True), (14, True), (-16, False), (16, False)):
        back = clock(minutes)
        try:
            for name, call, code in (
                    ("personalize", lambda: of("AKIAADMIN", "personalize").list_schemas(), "InvalidSignatureException"),
                    ("sts", lambda: of("AKIAADMIN", "sts").get_caller_identity(), "SignatureDoesNotMatch"),
                    ("s3", lambda: of("AKIAADMIN", "s3").list_buckets(), "RequestTimeTooSkewed")):
                if fine:
                    call()
                    check(True, "")
                else:
                    refused(f"{name} signed {minutes} minutes off", call, code, 403, "expired" if minutes < 0 else "not yet")
        finally:
            back()


def altered():
    """What somebody changes on the way is refused."""
    def tampered(key, name, change):
        c = of(key, name)
        c.meta.events.register("before-send", change)
        return c

    def body(request, **_):
        text = request.body if isinstance(request.body, bytes) else request.body.read()
        request.body = text.replace(b"7", b"8")

    def target(request, **_):
        request.headers["X-Amz-Target"] = "AmazonPersonalize.ListSchemas"

    def host(request, **_):
        request.headers["Host"] = "usher.example"

    def date(request, **_):
        request.headers["X-Amz-Date"] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M00Z")

    for what, change in (("body", body), ("operation", target), ("host", host), ("date", date)):
        refused(f"an altered {what}", lambda: tampered("AKIAADMIN", "personalize", change).list_dataset_groups(maxResults=7), "InvalidSignatureException", 403, "does not match")
    refused("an altered event", lambda: tampered("AKIASHOP", "personalize-events", body).put_events(
        trackingId="t", sessionId="7", eventList=[{"eventType": "t", "itemId": "7", "sentAt": 7}]), "InvalidSignatureException", 403)
    refused("an altered object", lambda: tampered("AKIALOADER", "s3", body).put_object(Bucket="data", Key="k", Body=b"7777"), "XAmzContentSHA256Mismatch", 400)
    refused("another secret", lambda: of("AKIAADMIN", "personalize", "x" * 40).list_schemas(), "InvalidSignatureException", 403)
    refused("an unknown key", lambda: of("AKIANOBODY", "personalize").list_schemas(), "UnrecognizedClientException", 403)


def fetch(url, method="GET", body=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method), timeout=10) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def presigned():
    s3 = of("AKIALOADER", "s3")
    key = "a folder/ü+&.csv"
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "data", "Key": key}, ExpiresIn=60)
    check(fetch(put, "PUT", b"hello")[0] == 200, "PUT by a presigned URL")
    get = s3.generate_presigned_url("get_object", Params={"Bucket": "data", "Key": key}, ExpiresIn=60)
    check(fetch(get) == (200, "hello"), "GET by a presigned URL")
    default = boto3.client("s3", aws_access_key_id="AKIALOADER", aws_secret_access_key=SECRET)
    version2 = default.generate_presigned_url("get_object", Params={"Bucket": "data", "Key": key}, ExpiresIn=60)
    check("AWSAccessKeyId=" in version2 and fetch(version2) == (200, "hello"), "GET by a URL of boto3's default for us-east-1")
    check(fetch(version2.replace(".csv", ".txt"))[0] == 403, "another key by such a URL")
    for what, (status, text), code in (
            ("another method", fetch(get, "DELETE"), "SignatureDoesNotMatch"),
            ("another key", fetch(get.replace(".csv", ".txt")), "SignatureDoesNotMatch"),
            ("a longer life", fetch(get.replace("Expires=60", "Expires=600")), "SignatureDoesNotMatch"),
            ("a principal without s3", fetch(of("AKIAREAD", "s3").generate_presigned_url("get_object", Params={"Bucket": "data", "Key": key})), "AccessDenied")):
        check(status == 403 and f"<Code>{code}</Code>" in text, f"a presigned URL with {what}: {status} {text}")
    back = clock(-2)
    old = s3.generate_presigned_url("get_object", Params={"Bucket": "data", "Key": key}, ExpiresIn=60)
    back()
    status, text = fetch(old)
    check(status == 403 and "Request has expired" in text, f"an old presigned URL: {status} {text}")


class Streaming(botocore.auth.S3SigV4Auth):
    """Signs the head of an upload in chunks, which are signed one by one."""

    def payload(self, request):
        return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


def chunks():
    """An upload in signed chunks, as other SDKs send it over HTTP, whole and altered."""
    def upload(key, change):
        data = [b"first;" * 2000, b"second;" * 3000, b"third", b""]
        request = AWSRequest("PUT", f"{os.environ['AWS_ENDPOINT_URL']}/data/{key}", headers={
            "Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": str(sum(map(len, data)))})
        auth = Streaming(Credentials("AKIALOADER", SECRET), "s3", "us-east-1")
        auth.add_auth(request)
        stamp, last = request.context["timestamp"], request.headers["Authorization"].split("Signature=")[1]
        scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
        sign = lambda k, text: hmac.new(k, text.encode(), hashlib.sha256).digest()
        k = functools.reduce(sign, scope.split("/"), ("AWS4" + SECRET).encode())
        body = b""
        for chunk in data:
            last = sign(k, "\n".join(("AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, last, hashlib.sha256(b"").hexdigest(), hashlib.sha256(chunk).hexdigest()))).hex()
            body += f"{len(chunk):x};chunk-signature={last}\r\n".encode() + chunk + b"\r\n"
        sent = urllib.request.Request(request.url, data=change(body), method="PUT", headers=dict(request.headers.items()))
        try:
            with urllib.request.urlopen(sent, timeout=10) as r:
                return r.status, b"".join(data)
        except urllib.error.HTTPError as e:
            return e.code, e.read()

    s3 = of("AKIALOADER", "s3")
    status, data = upload("chunks", lambda body: body)
    check(status == 200 and s3.get_object(Bucket="data", Key="chunks")["Body"].read() == data, f"an upload in signed chunks: {status} {data[:300]}")
    status, text = upload("altered", lambda body: body.replace(b"second", b"sEcond", 1))
    check(status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in text, f"an altered chunk: {status} {text[:300]}")
    check([o["Key"] for o in s3.list_objects_v2(Bucket="data", Prefix="a")["Contents"]] == ["a folder/ü+&.csv"], "nothing of it is kept")


def main():
    folder = tempfile.mkdtemp(prefix="usher-keys-")
    keys = Keys(folder)
    with Server("-keys", keys.file) as server:
        os.environ.pop("AWS_SESSION_TOKEN", None)
        of("AKIAADMIN", "personalize").create_dataset_group(name="g")
        of("AKIALOADER", "s3").create_bucket(Bucket="data")
        scopes()
        rotation(keys)
        times()
        altered()
        presigned()
        chunks()
        check(SECRET not in pathlib.Path(server.dir, "log").read_text(), "no secret is in the log")
    shutil.rmtree(folder)
    done()


main()
