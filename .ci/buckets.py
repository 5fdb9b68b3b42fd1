"""Buckets as unmodified boto3 and AWS CLI see them: everything that programs
around Personalize do with S3, odd keys, crashes, writers side by side, and a
3 GB copy with the server's memory watched."""
import base64
import concurrent.futures
import hashlib
import json
import threading
import urllib.error
import zlib

from boto3.s3.transfer import TransferConfig

from usher import *

MB = 1 << 20
BIG = 3 << 30


def s3(**kw):
    return boto3.client("s3", config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, **kw))


def refused(call, code, *texts, status=None):
    try:
        call()
    except Exception as e:
        response = getattr(e, "response", {})
        check(response.get("Error", {}).get("Code") == code, f"{code}, got {e!r}")
        check(status is None or response["ResponseMetadata"]["HTTPStatusCode"] == status, f"status {status}, got {response}")
        check(all(t in str(e) for t in texts), f"{texts} in {e}")
        return
    check(False, f"{code} {texts}")


def noise(n, seed=0):
    """n bytes that differ from place to place."""
    block = b"".join(hashlib.sha256(b"%d,%d" % (seed, i)).digest() for i in range(2048))
    return (block * (n // len(block) + 1))[:n]


def keys(s, bucket, **kw):
    return [o["Key"] for page in s.get_paginator("list_objects_v2").paginate(Bucket=bucket, **kw) for o in page.get("Contents", [])]


def buckets(s, server):
    s.create_bucket(Bucket="movies")
    s.create_bucket(Bucket="movies")  # in us-east-1 that succeeds
    s.create_bucket(Bucket="ireland", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    refused(lambda: s.create_bucket(Bucket="ireland", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}), "BucketAlreadyOwnedByYou", status=409)
    check(s.get_bucket_location(Bucket="movies")["LocationConstraint"] is None, "location of us-east-1 is empty")
    check(s.get_bucket_location(Bucket="ireland")["LocationConstraint"] == "eu-west-1", "location comes back")
    check(s.head_bucket(Bucket="ireland")["BucketRegion"] == "eu-west-1", "region in HeadBucket")
    r = s.list_buckets()
    check([b["Name"] for b in r["Buckets"]] == ["ireland", "movies"] and len(r["Owner"]["ID"]) == 64, f"buckets {r}")
    paged = [b["Name"] for page in s.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 1}) for b in page["Buckets"]]
    check(paged == ["ireland", "movies"], f"buckets in pages {paged}")
    refused(lambda: s.head_bucket(Bucket="nowhere"), "404", status=404)
    refused(lambda: s.list_objects_v2(Bucket="nowhere"), "NoSuchBucket", "mb s3://nowhere", status=404)
    refused(lambda: s.put_object(Bucket="nowhere", Key="k", Body=noise(9 * MB)), "NoSuchBucket")
    for name in ("usher", "console"):
        refused(lambda: s.create_bucket(Bucket=name), "InvalidBucketName", "usher itself", status=400)
    refused(lambda: s.create_bucket(Bucket="192.168.1.1"), "InvalidBucketName", status=400)
    refused(lambda: s.create_bucket(Bucket="a..b"), "InvalidBucketName", status=400)

    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "personalize.amazonaws.com"},
                         "Action": ["s3:*Object", "s3:ListBucket"], "Resource": ["arn:aws:s3:::movies", "arn:aws:s3:::movies/*"]}]})
    refused(lambda: s.get_bucket_policy(Bucket="movies"), "NoSuchBucketPolicy", status=404)
    refused(lambda: s.put_bucket_policy(Bucket="movies", Policy="{not json"), "MalformedPolicy", status=400)
    s.put_bucket_policy(Bucket="movies", Policy=policy)
    check(s.get_bucket_policy(Bucket="movies")["Policy"] == policy, "policy comes back")
    check(not s.get_bucket_policy_status(Bucket="movies")["PolicyStatus"]["IsPublic"], "policy status")
    server.kill()
    server.start()
    check(s.get_bucket_policy(Bucket="movies")["Policy"] == policy, "policy after a crash")
    s.delete_bucket_policy(Bucket="movies")
    refused(lambda: s.get_bucket_policy(Bucket="movies"), "NoSuchBucketPolicy")

    # What set-up scripts and SDKs call.
    check("Status" not in s.get_bucket_versioning(Bucket="movies"), "no versioning")
    check(s.get_bucket_acl(Bucket="movies")["Grants"][0]["Permission"] == "FULL_CONTROL", "acl")
    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    s.put_public_access_block(Bucket="movies", PublicAccessBlockConfiguration=block)
    check(s.get_public_access_block(Bucket="movies")["PublicAccessBlockConfiguration"] == block, "public access block comes back")
    s.delete_public_access_block(Bucket="movies")
    refused(lambda: s.get_public_access_block(Bucket="movies"), "NoSuchPublicAccessBlockConfiguration")
    s.put_bucket_tagging(Bucket="movies", Tagging={"TagSet": [{"Key": "team", "Value": "x"}]})
    check(s.get_bucket_tagging(Bucket="movies")["TagSet"] == [{"Key": "team", "Value": "x"}], "bucket tags")
    refused(lambda: s.get_bucket_lifecycle_configuration(Bucket="movies"), "NoSuchLifecycleConfiguration")
    refused(lambda: s.put_bucket_versioning(Bucket="movies", VersioningConfiguration={"Status": "Enabled"}), "NotImplemented", status=501)
    s.put_bucket_versioning(Bucket="movies", VersioningConfiguration={"Status": "Suspended"})
    check("LoggingEnabled" not in s.get_bucket_logging(Bucket="movies"), "no logging")
    s.get_bucket_notification_configuration(Bucket="movies")
    s.get_bucket_accelerate_configuration(Bucket="movies")
    s.get_bucket_request_payment(Bucket="movies")
    s.delete_bucket(Bucket="ireland")
    refused(lambda: s.head_bucket(Bucket="ireland"), "404")


def objects(s, server):
    body = b"USER_ID,ITEM_ID\n1,2\n"
    r = s.put_object(Bucket="movies", Key="a.csv", Body=body, ContentType="text/csv", Metadata={"Made-By": "ci"}, CacheControl="no-cache",
                     ContentDisposition="attachment", ContentLanguage="en")
    check(r["ETag"] == f'"{hashlib.md5(body).hexdigest()}"', f"etag {r['ETag']}")
    for call in (s.get_object, s.head_object):
        r = call(Bucket="movies", Key="a.csv")
        check(r["ContentType"] == "text/csv" and r["Metadata"] == {"made-by": "ci"} and r["ContentLength"] == len(body)
              and r["CacheControl"] == "no-cache" and r["ContentDisposition"] == "attachment" and r["ContentLanguage"] == "en", f"headers {r}")
    check(s.get_object(Bucket="movies", Key="a.csv")["Body"].read() == body, "body")
    plain = pathlib.Path(server.dir, "data", "buckets", "movies", "a.csv")
    check(plain.read_bytes() == body, "the object is a plain file")
    for rng, want in (("bytes=0-3", body[:4]), ("bytes=-4", body[-4:]), ("bytes=5-", body[5:]), ("bytes=5-9999", body[5:])):
        r = s.get_object(Bucket="movies", Key="a.csv", Range=rng)
        check(r["Body"].read() == want and r["ResponseMetadata"]["HTTPStatusCode"] == 206, f"range {rng}")
    refused(lambda: s.get_object(Bucket="movies", Key="a.csv", Range="bytes=999-"), "InvalidRange", status=416)
    etag = r["ETag"]
    refused(lambda: s.get_object(Bucket="movies", Key="a.csv", IfMatch='"other"'), "PreconditionFailed", status=412)
    refused(lambda: s.get_object(Bucket="movies", Key="a.csv", IfNoneMatch=etag), "304", status=304)
    refused(lambda: s.get_object(Bucket="movies", Key="a.csv", IfModifiedSince=r["LastModified"]), "304", status=304)
    s.get_object(Bucket="movies", Key="a.csv", IfMatch=etag, IfUnmodifiedSince=r["LastModified"])
    refused(lambda: s.get_object(Bucket="movies", Key="none"), "NoSuchKey", "none", status=404)
    refused(lambda: s.head_object(Bucket="movies", Key="none"), "404", status=404)
    refused(lambda: s.put_object(Bucket="movies", Key="a.csv", Body=b"x", IfNoneMatch="*"), "PreconditionFailed", status=412)
    refused(lambda: s.put_object(Bucket="movies", Key="a.csv", Body=b"x", IfMatch='"x"'), "PreconditionFailed", status=412)
    s.put_object(Bucket="movies", Key="once", Body=b"x", IfNoneMatch="*")
    refused(lambda: s.put_object(Bucket="movies", Key="x", Body=b"x", ContentMD5=base64.b64encode(bytes(16)).decode()), "BadDigest", status=400)
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        r = s.put_object(Bucket="movies", Key="sum", Body=body, ChecksumAlgorithm=algorithm)
        got = s.head_object(Bucket="movies", Key="sum", ChecksumMode="ENABLED")
        check(r["Checksum" + algorithm] == got["Checksum" + algorithm] and got["ChecksumType"] == "FULL_OBJECT", f"{algorithm}: {got}")
    refused(lambda: s.put_object(Bucket="movies", Key="x", Body=b"x", ChecksumSHA256=base64.b64encode(bytes(32)).decode()), "BadDigest", status=400)
    refused(lambda: s.put_object(Bucket="movies", Key="x", Body=b"x", ChecksumCRC32="no"), "InvalidRequest", status=400)
    refused(lambda: s.head_object(Bucket="movies", Key="x"), "404")
    refused(lambda: s.put_object(Bucket="movies", Key="x", Body=b"x", Metadata={"big": "x" * 3000}), "MetadataTooLarge", status=400)
    refused(lambda: s.put_object(Bucket="movies", Key="k" * 1025, Body=b"x"), "KeyTooLongError", status=400)
    refused(lambda: s.put_object(Bucket="movies", Key="x", Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey="0" * 32), "NotImplemented", status=501)
    r = s.get_object_attributes(Bucket="movies", Key="sum", ObjectAttributes=["ETag", "ObjectSize", "Checksum", "StorageClass"])
    check(r["ObjectSize"] == len(body) and r["ETag"] == hashlib.md5(body).hexdigest() and "ChecksumSHA256" in r["Checksum"], f"attributes {r}")
    s.put_object(Bucket="movies", Key="tagged", Body=b"x", Tagging="a=1&b=two%20words")
    check(s.get_object_tagging(Bucket="movies", Key="tagged")["TagSet"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "two words"}], "tags")
    s.put_object_tagging(Bucket="movies", Key="tagged", Tagging={"TagSet": [{"Key": "c", "Value": "ü"}]})
    check(s.get_object_tagging(Bucket="movies", Key="tagged")["TagSet"] == [{"Key": "c", "Value": "ü"}], "changed tags")
    s.delete_object_tagging(Bucket="movies", Key="tagged")
    check(s.get_object_tagging(Bucket="movies", Key="tagged")["TagSet"] == [], "no tags")
    check(s.get_object_acl(Bucket="movies", Key="a.csv")["Grants"][0]["Permission"] == "FULL_CONTROL", "object acl")

    s.copy_object(Bucket="movies", Key="copies/b c+d.csv", CopySource={"Bucket": "movies", "Key": "a.csv"})
    r = s.get_object(Bucket="movies", Key="copies/b c+d.csv")
    check(r["Body"].read() == body and r["Metadata"] == {"made-by": "ci"} and r["ContentType"] == "text/csv", f"copy {r}")
    r = s.copy_object(Bucket="movies", Key="copies/2", CopySource={"Bucket": "movies", "Key": "copies/b c+d.csv"}, MetadataDirective="REPLACE", Metadata={"n": "2"})
    check(r["CopyObjectResult"]["ETag"] == etag, f"etag of a copy {r}")
    check(s.head_object(Bucket="movies", Key="copies/2")["Metadata"] == {"n": "2"}, "metadata replaced")
    refused(lambda: s.copy_object(Bucket="movies", Key="a.csv", CopySource="movies/a.csv"), "InvalidRequest", "itself")
    refused(lambda: s.copy_object(Bucket="movies", Key="b", CopySource="movies/none"), "NoSuchKey")
    refused(lambda: s.copy_object(Bucket="movies", Key="b", CopySource="movies/a.csv", CopySourceIfMatch="x"), "PreconditionFailed")

    url = s.generate_presigned_url("get_object", Params={"Bucket": "movies", "Key": "a.csv", "ResponseContentType": "text/plain"})
    with urllib.request.urlopen(url) as f:
        check(f.read() == body and f.headers["Content-Type"] == "text/plain", "presigned GET")
    url = boto3.client("s3", config=Config(signature_version="s3v4")).generate_presigned_url("put_object", Params={"Bucket": "movies", "Key": "presigned"})
    urllib.request.urlopen(urllib.request.Request(url, data=b"by url", method="PUT")).read()
    check(s.get_object(Bucket="movies", Key="presigned")["Body"].read() == b"by url", "presigned PUT")

    # A host of the form bucket.localhost, as SDKs make it of http://localhost.
    request = urllib.request.Request(f"{server.url}/a.csv", headers={"Host": f"movies.localhost:{server.port}"})
    check(urllib.request.urlopen(request).read() == body, "virtual-host style")

    # Copied in by hand.
    by_hand = plain.parent / "by" / "hand.csv"
    by_hand.parent.mkdir()
    by_hand.write_bytes(body)
    check("by/hand.csv" in keys(s, "movies") and s.get_object(Bucket="movies", Key="by/hand.csv")["Body"].read() == body, "a file copied in by hand")
    first = s.head_object(Bucket="movies", Key="by/hand.csv")["ETag"]
    by_hand.write_bytes(body + body)
    check(s.head_object(Bucket="movies", Key="by/hand.csv")["ETag"] != first, "its ETag follows the file")


def odd_keys(s):
    s.create_bucket(Bucket="odd")
    names = ["folder/", "a//b", "a", "a/b", "a/b/c", ".", "..", "../../etc/passwd", "x/../y", "x/./y", " space ", "ü/é", "%41", "a+b&c=d?e#f", "\\back\\slash",
             "l" * 1024, "d/" + "e" * 300 + "/f", "emoji/\U0001F600", "<xml>&\"'", "trailing.", "CON", ".usher/tmp", "new\nline", "ctrl\x01", "//", "a/b/", "~", "*"]
    for n in names:
        s.put_object(Bucket="odd", Key=n, Body=n.encode(), Metadata={"size": str(len(n))})
    check(keys(s, "odd") == sorted(names, key=lambda n: n.encode()), f"odd keys are listed in order: {keys(s, 'odd')}")
    for n in names:
        r = s.get_object(Bucket="odd", Key=n)
        check(r["Body"].read() == n.encode() and r["Metadata"] == {"size": str(len(n))}, f"odd key {n!r}")
    r = s.list_objects_v2(Bucket="odd", Prefix="a", Delimiter="/")
    check([p["Prefix"] for p in r["CommonPrefixes"]] == ["a/"] and [o["Key"] for o in r["Contents"]] == ["a", "a+b&c=d?e#f"], f"delimiter {r}")
    r = s.list_objects_v2(Bucket="odd", Prefix="a/", Delimiter="/")
    check([p["Prefix"] for p in r["CommonPrefixes"]] == ["a//", "a/b/"] and [o["Key"] for o in r["Contents"]] == ["a/b"], f"delimiter {r}")
    s.delete_object(Bucket="odd", Key="a/b")
    s.delete_object(Bucket="odd", Key="a/b/c")
    s.delete_object(Bucket="odd", Key="a//b")
    check(s.get_object(Bucket="odd", Key="a")["Body"].read() == b"a", "a stays when a/b goes")
    s.put_object(Bucket="odd", Key="a", Body=b"again")
    check(s.get_object(Bucket="odd", Key="a")["Body"].read() == b"again", "a is a file again")
    refused(lambda: s.delete_bucket(Bucket="odd"), "BucketNotEmpty", "rb --force", status=409)
    left = [{"Key": k} for k in keys(s, "odd") if "\n" not in k and "\x01" not in k]
    r = s.delete_objects(Bucket="odd", Delete={"Objects": left})
    check(len(r["Deleted"]) == len(left) and "Errors" not in r, f"delete_objects {r}")
    for k in keys(s, "odd"):
        s.delete_object(Bucket="odd", Key=k)
    s.delete_bucket(Bucket="odd")


def listing(s):
    s.create_bucket(Bucket="many")
    names = sorted([f"d{i % 7}/{i:04d}" for i in range(700)] + [f"top-{i:02d}" for i in range(30)] + ["d3", "d3-", "d30"])
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: s.put_object(Bucket="many", Key=n, Body=b""), names))
    for size in (1, 100, 700, 1000):
        if size > 1:
            check(keys(s, "many", PaginationConfig={"PageSize": size}) == names, f"pages of {size}")
        old = [o["Key"] for page in s.get_paginator("list_objects").paginate(Bucket="many", Prefix="d3", PaginationConfig={"PageSize": size}) for o in page["Contents"]]
        check(old == [n for n in names if n.startswith("d3")], f"version 1, pages of {size}")
        for kind in ("list_objects_v2", "list_objects"):
            top = []
            for page in s.get_paginator(kind).paginate(Bucket="many", Delimiter="/", PaginationConfig={"PageSize": size}):
                top += [p["Prefix"] for p in page.get("CommonPrefixes", [])] + [o["Key"] for o in page.get("Contents", [])]
            check(sorted(top) == sorted([f"d{i}/" for i in range(7)] + [n for n in names if "/" not in n]), f"{kind} by folder, pages of {size}: {top}")
    r = s.list_objects_v2(Bucket="many", StartAfter="d5/0600", MaxKeys=2)
    check([o["Key"] for o in r["Contents"]] == [n for n in names if n > "d5/0600"][:2] and r["KeyCount"] == 2 and r["IsTruncated"], f"start after {r}")
    check(s.list_objects_v2(Bucket="many", MaxKeys=0)["KeyCount"] == 0, "max-keys 0")
    refused(lambda: s.list_objects_v2(Bucket="many", ContinuationToken="rubbish!"), "InvalidArgument", status=400)
    versions = [v["Key"] for page in s.get_paginator("list_object_versions").paginate(Bucket="many", PaginationConfig={"PageSize": 300}) for v in page["Versions"]]
    check(versions == names, "versions")

    bucket = boto3.resource("s3").Bucket("many")
    check([o.key for o in bucket.objects.all()] == names, "objects.all()")
    check([o.key for o in bucket.objects.filter(Prefix="d1/")] == [n for n in names if n.startswith("d1/")], "objects.filter()")
    bucket.objects.filter(Prefix="d1/").delete()
    check([o.key for o in bucket.objects.all()] == [n for n in names if not n.startswith("d1/")], "objects.filter().delete()")
    bucket.object_versions.filter(Prefix="d2/").delete()
    check(not list(bucket.objects.filter(Prefix="d2/")), "object_versions.delete()")
    bucket.objects.all().delete()
    bucket.delete()


def multipart(s, server):
    parts = [noise(5 * MB, 1), noise(6 * MB, 2), noise(100, 3)]
    etag = hashlib.md5(b"".join(hashlib.md5(p).digest() for p in parts)).hexdigest() + "-3"
    def upload(key, order, **kw):
        u = s.create_multipart_upload(Bucket="movies", Key=key, ContentType="text/csv", Metadata={"n": "1"}, **kw)["UploadId"]
        done = {}
        for n in order:
            r = s.upload_part(Bucket="movies", Key=key, UploadId=u, PartNumber=n, Body=parts[n - 1], **({"ChecksumAlgorithm": kw["ChecksumAlgorithm"]} if kw else {}))
            done[n] = {"PartNumber": n, "ETag": r["ETag"], **{k: v for k, v in r.items() if k.startswith("Checksum")}}
        return u, [done[n] for n in sorted(done)]
    def finish(key, u, done, **kw):
        return s.complete_multipart_upload(Bucket="movies", Key=key, UploadId=u, MultipartUpload={"Parts": done}, **kw)

    u, done = upload("multi/a", [3, 1, 2])
    listed = s.list_parts(Bucket="movies", Key="multi/a", UploadId=u)["Parts"]
    check([(p["PartNumber"], p["Size"], p["ETag"]) for p in listed] == [(i + 1, len(p), f'"{hashlib.md5(p).hexdigest()}"') for i, p in enumerate(parts)], f"parts {listed}")
    paged = [p["PartNumber"] for page in s.get_paginator("list_parts").paginate(Bucket="movies", Key="multi/a", UploadId=u, PaginationConfig={"PageSize": 1}) for p in page.get("Parts", [])]
    check(paged == [1, 2, 3], f"parts in pages {paged}")
    check([x["UploadId"] for x in s.list_multipart_uploads(Bucket="movies")["Uploads"]] == [u], "uploads")
    check("multi/a" not in keys(s, "movies"), "nobody sees an upload in progress")
    refused(lambda: finish("multi/a", u, done[::-1]), "InvalidPartOrder", status=400)
    refused(lambda: finish("multi/a", u, [dict(done[0], ETag='"x"')]), "InvalidPart", status=400)
    refused(lambda: finish("multi/a", u, [done[2], dict(done[2], PartNumber=4)]), "InvalidPart")
    refused(lambda: finish("multi/a", u, []), "MalformedXML", status=400)
    server.kill()
    server.start()
    check(finish("multi/a", u, done)["ETag"] == f'"{etag}"', "etag of an upload that a crash interrupted")
    check(finish("multi/a", u, done)["ETag"] == f'"{etag}"', "completed twice")
    r = s.get_object(Bucket="movies", Key="multi/a")
    check(r["Body"].read() == b"".join(parts) and r["Metadata"] == {"n": "1"} and r["ContentType"] == "text/csv" and r["ETag"] == f'"{etag}"', "the whole")
    r = s.get_object(Bucket="movies", Key="multi/a", PartNumber=2)
    check(r["Body"].read() == parts[1] and r["PartsCount"] == 3, "one part")
    refused(lambda: s.list_parts(Bucket="movies", Key="multi/a", UploadId=u), "NoSuchUpload", status=404)

    u, done = upload("multi/small", [1])
    small = s.upload_part(Bucket="movies", Key="multi/small", UploadId=u, PartNumber=2, Body=b"small")
    last = s.upload_part(Bucket="movies", Key="multi/small", UploadId=u, PartNumber=3, Body=b"last")
    two, three = {"PartNumber": 2, "ETag": small["ETag"]}, {"PartNumber": 3, "ETag": last["ETag"]}
    refused(lambda: finish("multi/small", u, done + [two, three]), "EntityTooSmall", status=400)
    s.upload_part(Bucket="movies", Key="multi/small", UploadId=u, PartNumber=1, Body=parts[1])  # again, longer
    refused(lambda: finish("multi/small", u, done + [three]), "InvalidPart")
    finish("multi/small", u, [{"PartNumber": 1, "ETag": f'"{hashlib.md5(parts[1]).hexdigest()}"'}, three])
    check(s.get_object(Bucket="movies", Key="multi/small")["Body"].read() == parts[1] + b"last", "a part sent again, one left out")

    for algorithm in ("CRC32", "SHA256"):
        u, done = upload("multi/sum", [2, 1, 3], ChecksumAlgorithm=algorithm)
        r = finish("multi/sum", u, done)
        check(r["Checksum" + algorithm].endswith("-3"), f"composite {algorithm}: {r}")
        refused(lambda: finish("multi/none", u, done), "NoSuchUpload")
    u, done = upload("multi/full", [1, 2, 3], ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    crc = base64.b64encode(zlib.crc32(b"".join(parts)).to_bytes(4, "big")).decode()
    refused(lambda: finish("multi/full", u, done, ChecksumType="FULL_OBJECT", ChecksumCRC32=base64.b64encode(b"abcd").decode()), "BadDigest")
    r = finish("multi/full", u, done, ChecksumType="FULL_OBJECT", ChecksumCRC32=crc, MpuObjectSize=sum(map(len, parts)))
    check(r["ChecksumCRC32"] == crc, f"checksum of the whole {r}")

    u, _ = upload("multi/aborted", [1])
    s.abort_multipart_upload(Bucket="movies", Key="multi/aborted", UploadId=u)
    refused(lambda: s.upload_part(Bucket="movies", Key="multi/aborted", UploadId=u, PartNumber=1, Body=b"x"), "NoSuchUpload")
    refused(lambda: s.upload_part(Bucket="movies", Key="k", UploadId="../../x", PartNumber=1, Body=b"x"), "NoSuchUpload")
    check("Uploads" not in s.list_multipart_uploads(Bucket="movies"), "no uploads left")

    u = s.create_multipart_upload(Bucket="movies", Key="multi/copy")["UploadId"]
    done = []
    for n, rng in ((1, f"bytes=0-{6 * MB - 1}"), (2, f"bytes={6 * MB}-{11 * MB - 1}")):
        r = s.upload_part_copy(Bucket="movies", Key="multi/copy", UploadId=u, PartNumber=n, CopySource="movies/multi/a", CopySourceRange=rng)
        done.append({"PartNumber": n, "ETag": r["CopyPartResult"]["ETag"]})
    refused(lambda: s.upload_part_copy(Bucket="movies", Key="multi/copy", UploadId=u, PartNumber=3, CopySource="movies/multi/a", CopySourceRange="bytes=0-99999999"), "InvalidArgument")
    finish("multi/copy", u, done)
    check(s.get_object(Bucket="movies", Key="multi/copy")["Body"].read() == b"".join(parts)[:11 * MB], "parts that were copied")

    # The transfer manager, with parts side by side.
    path = os.path.join(server.dir, "file")
    data = noise(40 * MB + 17, 5)
    with open(path, "wb") as f:
        f.write(data)
    config = TransferConfig(multipart_threshold=8 * MB, multipart_chunksize=8 * MB, max_concurrency=8)
    s.upload_file(path, "movies", "multi/file", Config=config, ExtraArgs={"Metadata": {"k": "v"}})
    s.download_file("movies", "multi/file", path + ".down", Config=config)
    check(open(path + ".down", "rb").read() == data, "upload_file and download_file")
    s.upload_fileobj(io.BytesIO(data), "movies", "multi/fileobj", Config=config)
    got = io.BytesIO()
    s.download_fileobj("movies", "multi/fileobj", got, Config=config)
    check(got.getvalue() == data, "upload_fileobj and download_fileobj")
    s.copy({"Bucket": "movies", "Key": "multi/file"}, "movies", "multi/copied", Config=config)
    r = s.get_object(Bucket="movies", Key="multi/copied")
    check(r["Body"].read() == data, "managed copy")
    boto3.resource("s3").Object("movies", "multi/res").upload_file(path)
    check(boto3.resource("s3").Object("movies", "multi/res").get()["Body"].read() == data, "Object().upload_file")


def cli(server):
    d = os.path.join(server.dir, "tree")
    os.makedirs(os.path.join(d, "sub"))
    for name, text in (("one.csv", "1\n"), ("sub/two.csv", "2\n"), ("sub/three.txt", "3\n")):
        with open(os.path.join(d, name), "w") as f:
            f.write(text)
    check(aws("s3", "mb", "s3://cli-bucket") == "make_bucket: cli-bucket\n", "mb")
    aws("s3", "cp", d, "s3://cli-bucket/tree/", "--recursive")
    out = aws("s3", "ls", "s3://cli-bucket/tree/")
    check("PRE sub/" in out and "one.csv" in out and "two" not in out, f"ls {out}")
    out = aws("s3", "ls", "s3://cli-bucket", "--recursive", "--summarize")
    check("Total Objects: 3" in out and "tree/sub/two.csv" in out, f"ls --recursive {out}")
    check("cli-bucket" in aws("s3", "ls"), "ls of buckets")
    aws("s3", "cp", os.path.join(d, "one.csv"), "s3://cli-bucket/")
    check(aws("s3", "cp", "s3://cli-bucket/one.csv", "-") == "1\n", "cp to stdout")
    subprocess.run(["aws", "s3", "cp", "-", "s3://cli-bucket/stdin"], input=b"from stdin", check=True, capture_output=True)
    check(aws("s3", "cp", "s3://cli-bucket/stdin", "-") == "from stdin", "cp from stdin")
    check(aws("s3", "sync", d, "s3://cli-bucket/tree/") == "", "sync of what is there does nothing")
    with open(os.path.join(d, "sub", "two.csv"), "w") as f:
        f.write("changed\n")
    os.remove(os.path.join(d, "one.csv"))
    out = aws("s3", "sync", d, "s3://cli-bucket/tree/", "--delete")
    check("upload" in out and "delete: s3://cli-bucket/tree/one.csv" in out, f"sync {out}")
    back = os.path.join(server.dir, "back")
    aws("s3", "sync", "s3://cli-bucket/tree/", back)
    check(open(os.path.join(back, "sub", "two.csv")).read() == "changed\n", "sync down")
    check(aws("s3", "sync", "s3://cli-bucket/tree/", back) == "", "sync down again does nothing")
    aws("s3", "mv", "s3://cli-bucket/one.csv", "s3://cli-bucket/moved.csv")
    aws("s3", "cp", "s3://cli-bucket/tree/", "s3://cli-bucket/copy/", "--recursive")
    out = aws("s3", "ls", "s3://cli-bucket", "--recursive")
    check("moved.csv" in out and " one.csv" not in out and "copy/sub/two.csv" in out, f"mv {out}")
    url = aws("s3", "presign", "s3://cli-bucket/moved.csv").strip()
    check(urllib.request.urlopen(url).read() == b"1\n", "presign")
    check(json.loads(aws("s3api", "head-object", "--bucket", "cli-bucket", "--key", "moved.csv"))["ContentType"] == "text/csv", "content type by the CLI")
    aws("s3api", "put-object", "--bucket", "cli-bucket", "--key", "marker/")
    check("PRE marker/" in aws("s3", "ls", "s3://cli-bucket"), "marker of a folder")
    aws("s3", "rm", "s3://cli-bucket/stdin")
    r = subprocess.run(["aws", "s3", "rb", "s3://cli-bucket"], capture_output=True, text=True)
    check(r.returncode != 0 and "BucketNotEmpty" in r.stderr, f"rb of a full bucket {r}")
    aws("s3", "rm", "s3://cli-bucket", "--recursive", "--exclude", "*", "--include", "copy/*")
    aws("s3", "rb", "s3://cli-bucket", "--force")
    check("cli-bucket" not in aws("s3", "ls"), "rb --force")
    check(not pathlib.Path(server.dir, "data", "buckets", "cli-bucket").exists(), "the folder is gone")


def crashes(s, server):
    """kill -9 in the middle of uploads: what was answered is there, the rest is not."""
    s.create_bucket(Bucket="crash")
    for attempt in range(3):
        answered = {}
        stop = threading.Event()
        def put(worker):
            c, i = s3(), 0
            while not stop.is_set():
                key, body = f"w{worker}/{i % 10}", noise(300_000, 100 * worker + i)
                try:
                    answered[key] = (body, None)
                    c.put_object(Bucket="crash", Key=key, Body=body)
                    answered[key] = (body, body)
                except Exception:
                    return
                i += 1
        def big():
            try:
                s3().upload_fileobj(io.BytesIO(noise(64 * MB, attempt)), "crash", f"big-{attempt}", Config=TransferConfig(multipart_chunksize=8 * MB))
                answered["big"] = True
            except Exception:
                pass
        threads = [threading.Thread(target=put, args=(w,)) for w in range(4)] + [threading.Thread(target=big)]
        for t in threads:
            t.start()
        time.sleep(0.5 + 0.3 * attempt)
        server.kill()
        stop.set()
        for t in threads:
            t.join()
        server.start()
        there = set(keys(s, "crash"))
        check("big" not in answered or f"big-{attempt}" in there, "a big upload is there if it was answered")
        if f"big-{attempt}" in there:
            check(s.get_object(Bucket="crash", Key=f"big-{attempt}")["Body"].read() == noise(64 * MB, attempt), "and whole")
        for key, (sent, confirmed) in [(k, v) for k, v in answered.items() if k != "big"]:
            if confirmed is None and key not in there:
                continue
            r = s.get_object(Bucket="crash", Key=key)
            body = r["Body"].read()
            check(r["ETag"] == f'"{hashlib.md5(body).hexdigest()}"' and len(body) == 300_000, f"{key} is whole, with its own ETag")
            check(confirmed is None or body == confirmed, f"{key}: what was answered is there")
        left = list(pathlib.Path(server.dir, "data", "buckets", ".usher", "tmp").iterdir())
        check(not left, f"leftovers {left}")
    for u in s.list_multipart_uploads(Bucket="crash").get("Uploads", []):
        s.abort_multipart_upload(Bucket="crash", Key=u["Key"], UploadId=u["UploadId"])
    boto3.resource("s3").Bucket("crash").objects.all().delete()
    s.delete_bucket(Bucket="crash")


def side_by_side(s):
    """Writers of one key: the last one wins, nobody reads a mixture."""
    s.create_bucket(Bucket="side")
    bodies = [noise(200_000, 1000 + i) for i in range(8)]
    sums = {f'"{hashlib.md5(b).hexdigest()}"': b for b in bodies}
    s.put_object(Bucket="side", Key="one", Body=bodies[0])
    def write(i):
        c = s3()
        for _ in range(10):
            c.put_object(Bucket="side", Key="one", Body=bodies[i])
    def read(_):
        c, ok = s3(), True
        for _ in range(40):
            r = c.get_object(Bucket="side", Key="one")
            ok = ok and sums[r["ETag"]] == r["Body"].read()
        return ok
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        writes, reads = [pool.submit(write, i) for i in range(8)], [pool.submit(read, i) for i in range(4)]
        check(all(r.result() for r in reads), "readers see whole objects with their ETags")
        for w in writes:
            w.result()
    s.delete_object(Bucket="side", Key="one")
    s.delete_bucket(Bucket="side")


def memory(server, name="VmHWM"):
    """The most memory that the server has had, in MB."""
    with open(f"/proc/{server.process.pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith(name))


def big_copy(server):
    free = shutil.disk_usage(server.dir).free
    if not check(free > 4 * BIG, f"the 3 GB copy needs 12 GB of disk, there are {free >> 30}"):
        return
    server.kill()
    server.start()  # the memory of this copy alone
    aws("s3", "mb", "s3://big")
    path = os.path.join(server.dir, "big.bin")
    block = noise(8 * MB, 9)
    want = hashlib.md5()
    with open(path, "wb") as f:
        for i in range(BIG // len(block)):
            b = i.to_bytes(8, "big") + block[8:]
            want.update(b)
            f.write(b)
    began = time.monotonic()
    aws("s3", "cp", path, "s3://big/big.bin")
    print(f"aws s3 cp of 3 GB up: {time.monotonic() - began:.0f} s, server's peak memory {memory(server):.0f} MB", flush=True)
    check(memory(server) < 300, f"3 GB up with {memory(server):.0f} MB")
    os.remove(path)
    began = time.monotonic()
    aws("s3", "cp", "s3://big/big.bin", path)
    print(f"aws s3 cp of 3 GB down: {time.monotonic() - began:.0f} s, server's peak memory {memory(server):.0f} MB", flush=True)
    got = hashlib.md5()
    with open(path, "rb") as f:
        for b in iter(lambda: f.read(8 * MB), b""):
            got.update(b)
    check(got.digest() == want.digest(), "3 GB come back as they were")
    os.remove(path)
    check(memory(server) < 300, f"3 GB up and down with {memory(server):.0f} MB")
    aws("s3", "rb", "s3://big", "--force")


def main():
    with Server() as server:
        s = s3()
        buckets(s, server)
        objects(s, server)
        odd_keys(s)
        listing(s)
        multipart(s, server)
        cli(server)
        crashes(s, server)
        side_by_side(s)
        big_copy(server)
    done()


main()
