"""A random walk over the resource graph: creates, updates, deletes, starts and
stops in any order, through boto3, the AWS CLI and the AWS SDK for JavaScript by
turns, with kill -9 between. A plain model of the rules says what each call has to
answer. In between everything is listed through each client's paginator, and
described through all three: they have to see the same."""
import functools
import random

import usher
from sdks import *

SEEDS = [int(s) for s in sys.argv[1:]] or [1]
STEPS = 350
FINE, BAD, GONE, USED, TAKEN = "", "InvalidInput", "ResourceNotFound", "ResourceInUse", "ResourceAlreadyExists"
ACCOUNT = "arn:aws:personalize:us-east-1:000000000000:"
RECIPES = "arn:aws:personalize:::recipe/"
MOVING = ("CREATE PENDING", "CREATE IN_PROGRESS", "CREATE STOPPING", "START PENDING", "START IN_PROGRESS")
FIELDS = {  # by type and level: a schema of level 2 extends that of level 1
    "Interactions": {1: ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"], 2: ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "DEVICE"]},
    "Items": {1: ["ITEM_ID", "CREATION_TIMESTAMP", "GENRES"], 2: ["ITEM_ID", "CREATION_TIMESTAMP", "GENRES", "COLOR"]},
    "Users": {1: ["USER_ID", "CITY"], 2: ["USER_ID", "CITY", "JOB"]},
}
LISTS = {  # kind: operation, key of its answer, member with the ARN, Describe and the member it takes
    "group": ("ListDatasetGroups", "datasetGroups", "datasetGroupArn", "DescribeDatasetGroup", "datasetGroup"),
    "schema": ("ListSchemas", "schemas", "schemaArn", "DescribeSchema", "schema"),
    "dataset": ("ListDatasets", "datasets", "datasetArn", "DescribeDataset", "dataset"),
    "import": ("ListDatasetImportJobs", "datasetImportJobs", "datasetImportJobArn", "DescribeDatasetImportJob", "datasetImportJob"),
    "export": ("ListDatasetExportJobs", "datasetExportJobs", "datasetExportJobArn", "DescribeDatasetExportJob", "datasetExportJob"),
    "tracker": ("ListEventTrackers", "eventTrackers", "eventTrackerArn", "DescribeEventTracker", "eventTracker"),
    "filter": ("ListFilters", "Filters", "filterArn", "DescribeFilter", "filter"),
    "solution": ("ListSolutions", "solutions", "solutionArn", "DescribeSolution", "solution"),
    "version": ("ListSolutionVersions", "solutionVersions", "solutionVersionArn", "DescribeSolutionVersion", "solutionVersion"),
    "campaign": ("ListCampaigns", "campaigns", "campaignArn", "DescribeCampaign", "campaign"),
    "batch": ("ListBatchInferenceJobs", "batchInferenceJobs", "batchInferenceJobArn", "DescribeBatchInferenceJob", "batchInferenceJob"),
    "attribution": ("ListMetricAttributions", "metricAttributions", "metricAttributionArn", "DescribeMetricAttribution", "metricAttribution"),
    "recommender": ("ListRecommenders", "recommenders", "recommenderArn", "DescribeRecommender", "recommender"),
}


class Resource:
    """What the model knows of a resource: its status, what it is of, its tags."""

    def __init__(self, kind, arn, status="ACTIVE", **of):
        self.kind, self.arn, self.status, self.tags = kind, arn, status, {}
        self.update = None  # status of the latest update of what answers
        self.__dict__.update(of)

    @property
    def moving(self):
        return self.status in MOVING or self.update in MOVING


def field(name):
    if name.endswith("TIMESTAMP"):
        return {"name": name, "type": "long"}
    if name.endswith("_ID") or name == "EVENT_TYPE":
        return {"name": name, "type": "string"}
    return {"name": name, "type": "string" if name == "GENRES" else ["null", "string"], "categorical": True}


def schema_text(kind, level):
    return json.dumps({"type": "record", "name": kind, "namespace": "com.amazonaws.personalize.schema",
                       "fields": [field(f) for f in FIELDS[kind][level]], "version": "1.0"})


class Walk:
    """The model and the clients. all holds every resource by its ARN."""

    def __init__(self, server, seed):
        self.server, self.dice = server, random.Random(seed)
        self.boto, self.cli, self.javascript = Boto3(), CLI(), JavaScript()
        self.all, self.gone, self.jobs = {}, [], 0
        self.kills = self.calls = self.events = self.answers = 0

    # What is there.

    def of(self, kind, **where):
        return [r for r in self.all.values() if r.kind == kind and all(getattr(r, k) == v for k, v in where.items())]

    def name(self, *names):
        return self.dice.choice(names)

    def likely(self, names):
        """One of the names, the first ones more often: so that what needs several of one group comes to be."""
        return self.dice.choices(names, [2.0 ** -i for i in range(len(names))])[0]

    def arn(self, kind, names):
        """The ARN of a resource of the kind, which may not be there."""
        known = [r.arn for r in self.of(kind)] + [a for a in self.gone[-20:] if a in names]
        return self.dice.choice(known + names)

    def refresh(self, r):
        """Reads the status of what is moving; gives the resource."""
        if r is None or not r.moving:
            return r
        _, _, member, describe, key = LISTS[r.kind]
        now = self.boto.send(describe, {member: r.arn})[key]
        r.status = now["status"]
        update = now.get("latestCampaignUpdate") or now.get("latestRecommenderUpdate")
        if update:
            r.update = update["status"]
        if r.kind == "campaign":
            r.version = now["solutionVersionArn"]
            r.next = update["solutionVersionArn"] if update and r.moving else None
        return r

    def settle(self):
        """Waits until nothing is moving."""
        end = time.monotonic() + 120
        for r in list(self.all.values()):
            while self.refresh(r).moving:
                if not check(time.monotonic() < end, f"{r.arn} is still {r.status} {r.update} after two minutes"):
                    break
                time.sleep(0.02)

    # Calls.

    def call(self, want, operation, **input):
        """Calls through one of the clients; want are the codes that are right. Gives the answer, None for an error."""
        self.calls += 1
        c = self.dice.choices([self.boto, self.javascript, self.cli], [10, 9, 1])[0]
        try:
            out, code, text = c.send(operation, input), FINE, ""
        except Refused as e:
            out, code, text = None, e.code, str(e)
        check(code in want, f"{operation} {input} by {c.name}: {text or 'no error'}, want {sorted(want)}")
        return out

    def create(self, want, operation, kind, status="ACTIVE", of=None, **input):
        out = self.call(want, operation, **input)
        if out is None:
            return None
        arn = next(v for k, v in out.items() if k == LISTS[kind][2])
        self.all[arn] = Resource(kind, arn, status, **(of or {}))
        return self.all[arn]

    def delete(self, want, operation, kind, arn):
        out = self.call(want, operation, **{LISTS[kind][2]: arn})
        if out is not None:
            self.forget(arn)

    def forget(self, arn):
        """Takes a resource and what goes with it out of the model."""
        r = self.all.pop(arn)
        self.gone.append(arn)
        for o in list(self.all.values()):
            if (r.kind == "dataset" and o.kind in ("import", "export") and o.dataset == arn) or (r.kind == "solution" and o.kind in ("version", "batch") and o.solution == arn):
                del self.all[o.arn]
                self.gone.append(o.arn)


def first(*rules):
    """The code of the first rule that is broken."""
    return next((code for broken, code in rules if broken), FINE)


def either(fn):
    """Rules that look at what is moving: it may have stopped moving since it was looked at."""
    @functools.wraps(fn)
    def both(w, *args):
        for r in list(w.all.values()):
            w.refresh(r)
        return fn(w, *args)
    return both


MOVES = []


def move(weight=1):
    def add(fn):
        MOVES.append((either(fn), weight))
        return fn
    return add


def moving(resources):
    return [r for r in resources if r.moving]


GROUPS = [ACCOUNT + "dataset-group/" + n for n in ("shop", "films", "news")]
DOMAIN = {GROUPS[1]: "VIDEO_ON_DEMAND"}
SCHEMAS = [ACCOUNT + f"schema/{kind}{level}{domain}" for kind in FIELDS for level in (1, 2) for domain in ("", "VOD")]
DATASETS = [ACCOUNT + f"dataset/{g.rsplit('/', 1)[1]}/{t.upper()}" for t in FIELDS for g in GROUPS]  # all Interactions first
SOLUTIONS = [ACCOUNT + "solution/" + n for n in ("x", "y", "z")]
CAMPAIGNS = [ACCOUNT + "campaign/" + n for n in ("k", "l")]
RECOMMENDERS = [ACCOUNT + "recommender/" + n for n in ("r", "s")]
FILTERS = [ACCOUNT + "filter/" + n for n in ("f", "h")]


@move(4)
def create_group(w):
    arn = w.likely(GROUPS)
    domain = {"domain": DOMAIN[arn]} if arn in DOMAIN else {}
    w.create({first((arn in w.all, TAKEN))}, "CreateDatasetGroup", "group", name=arn.rsplit("/", 1)[1], **domain)


@move()
def delete_group(w):
    arn = w.likely(GROUPS)
    inside = [r for r in w.all.values() if getattr(r, "group", None) == arn]
    w.delete({first((arn not in w.all, GONE), (inside, USED))}, "DeleteDatasetGroup", "group", arn)


@move(6)
def create_schema(w):
    arn = w.dice.choice(SCHEMAS)
    vod = arn.endswith("VOD")
    name = arn.rsplit("/", 1)[1]
    kind, level = name.removesuffix("VOD")[:-1], int(name.removesuffix("VOD")[-1])
    w.create({first((arn in w.all, TAKEN))}, "CreateSchema", "schema", status=None, of={"type": kind, "level": level, "domain": "VIDEO_ON_DEMAND" if vod else None},
             name=name, schema=schema_text(kind, level), **({"domain": "VIDEO_ON_DEMAND"} if vod else {}))


@move()
def delete_schema(w):
    arn = w.dice.choice(SCHEMAS)
    w.delete({first((arn not in w.all, GONE), (w.of("dataset", schema=arn), USED))}, "DeleteSchema", "schema", arn)


@move(14)
def create_dataset(w):
    arn = w.dice.choice(DATASETS)
    group_name, type_name = arn.rsplit("/", 2)[1:]
    group = ACCOUNT + "dataset-group/" + group_name
    kind = next(t for t in FIELDS if t.upper() == type_name)
    schema = w.dice.choice([s for s in SCHEMAS if f"/{kind}" in s] + SCHEMAS[:1])
    s = w.all.get(schema)
    want = first((group not in w.all or s is None, GONE), (s and (s.type != kind or s.domain != DOMAIN.get(group)), BAD), (arn in w.all, TAKEN))
    w.create({want}, "CreateDataset", "dataset", of={"group": group, "schema": schema, "type": kind, "full": False},
             name="d", datasetType=w.name(kind, kind.upper()), datasetGroupArn=group, schemaArn=schema)


@move()
def update_dataset(w):
    arn, schema = w.dice.choice(DATASETS), w.dice.choice(SCHEMAS)
    d, s = w.all.get(arn), w.all.get(schema)
    want = {first((d is None or s is None, GONE), (d and d.type == "Interactions", BAD),
                  (d and s and (s.type != d.type or s.domain != DOMAIN.get(d.group) or s.level < w.all[d.schema].level), BAD))}
    if want == {FINE} and moving(w.of("import", dataset=arn)):
        want = {FINE, USED}
    if w.call(want, "UpdateDataset", datasetArn=arn, schemaArn=schema) is not None:
        d.schema = schema


@move()
def delete_dataset(w):
    arn = w.dice.choice(DATASETS)
    d = w.all.get(arn)
    want = {first((d is None, GONE))}
    if d and moving(w.of("import", dataset=arn) + w.of("export", dataset=arn) + w.of("version", group=d.group) + w.of("recommender", group=d.group)):
        want.add(USED)
    w.delete(want, "DeleteDataset", "dataset", arn)


@move(10)
def import_data(w):
    arn = w.dice.choice([r.arn for r in w.of("dataset")] + DATASETS[:1])
    d, mode = w.all.get(arn), w.name("FULL", "FULL", "INCREMENTAL")
    w.jobs += 1
    name = w.name(f"job{w.jobs}", f"job{w.jobs}", "job1")
    full = d and any(r.status == "ACTIVE" for r in w.of("import", dataset=arn, mode="FULL"))
    racing = d and moving(w.of("import", dataset=arn, mode="FULL"))
    want = {first((d is None, GONE), (mode == "INCREMENTAL" and not full, BAD), (ACCOUNT + "dataset-import-job/" + name in w.all, TAKEN))}
    if want == {BAD} and racing:
        want = {BAD, FINE, TAKEN}
    there = w.dice.random() < 0.85
    r = w.create(want, "CreateDatasetImportJob", "import", "CREATE PENDING", {"group": d and d.group, "dataset": arn, "mode": mode, "there": there}, jobName=name, datasetArn=arn,
                 dataSource={"dataLocation": f"s3://data/{d.type if there and d else 'nothing'}.csv"}, roleArn=ROLE, importMode=mode)
    if r and w.dice.random() < 0.5:
        wait_for(w, r)
        check(r.status == ("ACTIVE" if there else "CREATE FAILED"), f"{r.arn} of {'good' if there else 'no'} data is {r.status}")


def wait_for(w, r):
    end = time.monotonic() + 60
    while w.refresh(r).moving and time.monotonic() < end:
        time.sleep(0.01)


@move()
def export(w):
    arn = w.dice.choice([r.arn for r in w.of("dataset")] + DATASETS[:1])
    d = w.all.get(arn)
    w.jobs += 1
    w.create({first((d is None, GONE))}, "CreateDatasetExportJob", "export", "CREATE PENDING", {"group": d and d.group, "dataset": arn}, jobName=f"job{w.jobs}",
             datasetArn=arn, ingestionMode=w.name("ALL", "BULK", "PUT"), roleArn=ROLE, jobOutput={"s3DataDestination": {"path": "s3://data/out/"}})


@move(4)
def create_tracker(w):
    group = w.likely(GROUPS)
    w.create({first((group not in w.all, GONE), (w.of("tracker", group=group), TAKEN))}, "CreateEventTracker", "tracker", of={"group": group}, name="t", datasetGroupArn=group)


@move(2)
def put_event(w):
    """An event by each client is taken where the group has an Interactions dataset."""
    trackers = w.of("tracker")
    if not trackers:
        return
    t = w.dice.choice(trackers)
    id = w.boto.send("DescribeEventTracker", {"eventTrackerArn": t.arn})["eventTracker"]["trackingId"]
    want = FINE if w.of("dataset", group=t.group, type="Interactions") else BAD
    for c in (w.boto, w.javascript):
        try:
            c.send("PutEvents", {"trackingId": id, "userId": "u1", "sessionId": "s", "eventList": [{"eventType": "Watch", "itemId": "i3", "sentAt": 1_700_009_000}]}, "personalize-events")
            code = FINE
        except Refused as e:
            code = e.code
        w.events += code == FINE
        check(code == want, f"PutEvents by {c.name} with {t.arn}: {code!r}, want {want!r}")


@move(5)
def recommend(w):
    """What answers gives the same items to each client; what does not is refused alike."""
    arns = [c.arn for c in w.of("campaign") + w.of("recommender") if not c.moving]
    if not arns:
        return
    r = w.all[w.dice.choice(arns)]
    input = {f"{r.kind}Arn": r.arn, "numResults": 7, "userId": "u2"}
    if r.kind == "campaign" and w.all[w.all[r.version].solution].recipe == "aws-sims":
        input["itemId"] = "i2"
    answers = []
    for c in (w.boto, w.javascript):
        try:
            answers.append([i["itemId"] for i in c.send("GetRecommendations", input, "personalize-runtime")["itemList"]])
        except Refused as e:
            answers.append(e.code)
    w.answers += r.status == "ACTIVE"
    check(answers[0] == answers[1] and (isinstance(answers[0], list) if r.status == "ACTIVE" else answers[0] == BAD), f"answers of {r.arn}, {r.status}: {answers}")


@move()
def delete_tracker(w):
    arn = w.arn("tracker", [ACCOUNT + "event-tracker/00000000"])
    w.delete({first((arn not in w.all, GONE))}, "DeleteEventTracker", "tracker", arn)


@move(2)
def create_filter(w):
    arn, group = w.likely(FILTERS), w.likely(GROUPS)
    datasets = {d.type for d in w.of("dataset", group=group)}
    kind, text = w.dice.choice([("Interactions", 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Watch")'), ("Items", 'INCLUDE ItemID WHERE Items.GENRES IN ($G)')])
    w.create({first((group not in w.all, GONE), (kind not in datasets, BAD), (arn in w.all, TAKEN))}, "CreateFilter", "filter", of={"group": group},
             name=arn.rsplit("/", 1)[1], datasetGroupArn=group, filterExpression=text)


@move()
def delete_filter(w):
    arn = w.likely(FILTERS)
    want = {first((arn not in w.all, GONE))}
    if want == {FINE} and moving(w.of("batch", group=w.all[arn].group)):
        want.add(USED)
    w.delete(want, "DeleteFilter", "filter", arn)


@move(2)
def create_attribution(w):
    arn, group = ACCOUNT + "metric-attribution/m", w.likely(GROUPS)
    column, kind = w.dice.choice([("SAMPLECOUNT()", None), ("SUM(Items.GENRES)", "text")])
    ready = w.of("dataset", group=group, type="Interactions")
    want = first((group not in w.all, GONE), (kind == "text" or not ready, BAD), (w.of("attribution", group=group) or arn in w.all, TAKEN))
    w.create({want}, "CreateMetricAttribution", "attribution", of={"group": group}, name="m", datasetGroupArn=group,
             metrics=[{"eventType": "Watch", "metricName": "n", "expression": column}], metricsOutputConfig={"roleArn": ROLE})


@move()
def delete_attribution(w):
    arn = ACCOUNT + "metric-attribution/m"
    w.delete({first((arn not in w.all, GONE))}, "DeleteMetricAttribution", "attribution", arn)


@move(3)
def batch(w):
    arn = w.arn("version", [ACCOUNT + "solution/x/00000000"])
    v = w.all.get(arn)
    w.jobs += 1
    r = w.create(deployable(w, arn), "CreateBatchInferenceJob", "batch", "CREATE PENDING", {"group": v and v.group, "solution": v and v.solution}, jobName=f"job{w.jobs}",
                 solutionVersionArn=arn, roleArn=ROLE, jobInput={"s3DataSource": {"path": "s3://data/users.json"}}, jobOutput={"s3DataDestination": {"path": "s3://data/batch/"}})
    if r and w.dice.random() < 0.5:
        wait_for(w, r)


@move(6)
def create_solution(w):
    arn, group, recipe = w.likely(SOLUTIONS), w.likely(GROUPS), w.name("aws-sims", "aws-popularity-count", "aws-vod-top-picks", "aws-none")
    want = first((recipe == "aws-none", GONE), ("vod" in recipe, BAD), (group not in w.all, GONE), (arn in w.all, TAKEN))
    w.create({want}, "CreateSolution", "solution", of={"group": group, "recipe": recipe}, name=arn.rsplit("/", 1)[1], datasetGroupArn=group, recipeArn=RECIPES + recipe, performAutoTraining=False)


@move()
def update_solution(w):
    arn = w.likely(SOLUTIONS)
    on = w.dice.random() < 0.5
    rate = {"autoTrainingConfig": {"schedulingExpression": f"rate({w.dice.randrange(1, 40)} days)"}}
    days = int(rate["autoTrainingConfig"]["schedulingExpression"][5:].split()[0])
    w.call({first((arn not in w.all, GONE), (not on or days > 30, BAD))}, "UpdateSolution", solutionArn=arn, performAutoTraining=on, solutionUpdateConfig=rate)


@move()
def delete_solution(w):
    arn = w.likely(SOLUTIONS)
    versions = w.of("version", solution=arn)
    served = [c for c in w.of("campaign") if any(v.arn in (c.version, c.next) for v in versions)]
    want = {first((arn not in w.all, GONE), ([c for c in served if any(v.arn == c.version for v in versions)], USED))}
    if want == {FINE} and (served or moving(versions + w.of("batch", solution=arn))):
        want.add(USED)
    w.delete(want, "DeleteSolution", "solution", arn)


@move(8)
def create_version(w):
    arn = w.likely(SOLUTIONS)
    s = w.all.get(arn)
    mode = w.name("FULL", "FULL", "FULL", "UPDATE")
    for j in w.of("import", group=s and s.group):  # so that there is something to learn
        wait_for(w, j)
    r = w.create({first((s is None, GONE), (mode != "FULL", BAD))}, "CreateSolutionVersion", "version", "CREATE PENDING", {"group": s and s.group, "solution": arn}, solutionArn=arn, trainingMode=mode)
    if r and w.dice.random() < 0.6:
        wait_for(w, r)


@move(2)
def stop_version(w):
    arn = w.arn("version", [ACCOUNT + "solution/x/00000000"])
    v = w.all.get(arn)
    want = {first((v is None, GONE), (v and not v.moving, BAD))}
    if want == {FINE}:
        want |= {BAD, USED}
    if w.call(want, "StopSolutionVersionCreation", solutionVersionArn=arn) is not None:
        v.status = "CREATE STOPPING"


def deployable(w, arn):
    """What Create- and UpdateCampaign say to a version; more than one while it is trained."""
    if arn.endswith("$LATEST"):
        solution = w.all.get(arn.removesuffix("/$LATEST"))
        versions = w.of("version", solution=solution and solution.arn)
        if any(v.status == "ACTIVE" for v in versions):
            return {FINE}
        return {GONE} if solution is None else {USED, BAD, FINE} if moving(versions) else {BAD}
    v = w.all.get(arn)
    return {GONE} if v is None else {USED, BAD, FINE} if v.moving else {FINE} if v.status == "ACTIVE" else {BAD}


def some_version(w):
    """A version, more often one that can be deployed than not."""
    ready = [v.arn for v in w.of("version", status="ACTIVE")]
    return w.dice.choice(3 * ready + [v.arn for v in w.of("version")] + [s + "/$LATEST" for s in SOLUTIONS[:2]] + [ACCOUNT + "solution/x/00000000"])


@move(9)
def create_campaign(w):
    arn, version = w.likely(CAMPAIGNS), some_version(w)
    want = deployable(w, version)
    if FINE in want and arn in w.all:
        want = want - {FINE} | {TAKEN}
    r = w.create(want, "CreateCampaign", "campaign", "CREATE PENDING", {"version": version, "next": None, "group": None}, name=arn.rsplit("/", 1)[1], solutionVersionArn=version)
    if r:
        w.refresh(r)
        r.version = w.boto.send("DescribeCampaign", {"campaignArn": arn})["campaign"]["solutionVersionArn"]
        r.group = w.all[r.version].group
        if w.dice.random() < 0.7:
            wait_for(w, r)


@move(2)
def update_campaign(w):
    arn, version = w.likely(CAMPAIGNS), some_version(w)
    c, v = w.all.get(arn), w.all.get(version.removesuffix("/$LATEST"))
    want = {GONE} if c is None else deployable(w, version)
    if c and FINE in want and v and v.group != c.group:
        want = want - {FINE} | {BAD}
    if c and c.moving:
        want = want | {USED}
    if w.call(want, "UpdateCampaign", campaignArn=arn, solutionVersionArn=version) is not None:
        c.update = "CREATE PENDING"
        w.refresh(c)


@move()
def delete_campaign(w):
    arn = w.likely(CAMPAIGNS)
    c = w.all.get(arn)
    w.delete({GONE} if c is None else {FINE, USED} if c.moving else {FINE}, "DeleteCampaign", "campaign", arn)


@move(8)
def create_recommender(w):
    arn, group, recipe = w.likely(RECOMMENDERS), w.dice.choice(GROUPS[:2] + 2 * GROUPS[1:2]), w.name("aws-vod-most-popular", "aws-vod-most-popular", "aws-ecomm-popular-items-by-purchases")
    ready = w.of("dataset", group=group, type="Interactions")
    want = first((group not in w.all, GONE), (group not in DOMAIN or "vod" not in recipe or not ready, BAD), (arn in w.all, TAKEN))
    r = w.create({want}, "CreateRecommender", "recommender", "CREATE PENDING", {"group": group}, name=arn.rsplit("/", 1)[1], datasetGroupArn=group, recipeArn=RECIPES + recipe)
    if r and w.dice.random() < 0.6:
        wait_for(w, r)


def on_recommender(w, operation, needs, after, **more):
    arn = w.likely(RECOMMENDERS)
    r = w.all.get(arn)
    want = {GONE} if r is None else {FINE, USED, BAD} if r.moving else {FINE} if r.status == needs else {BAD}
    if w.call(want, operation, recommenderArn=arn, **more) is not None:
        after(r)
        w.refresh(r)


@move(2)
def stop_recommender(w):
    on_recommender(w, "StopRecommender", "ACTIVE", lambda r: r.__dict__.update(status="INACTIVE"))


@move(3)
def start_recommender(w):
    on_recommender(w, "StartRecommender", "INACTIVE", lambda r: r.__dict__.update(status="START PENDING"))


@move()
def update_recommender(w):
    on_recommender(w, "UpdateRecommender", "ACTIVE", lambda r: r.__dict__.update(update="CREATE PENDING"), recommenderConfig={"minRecommendationRequestsPerSecond": w.dice.randrange(1, 9)})


@move()
def delete_recommender(w):
    arn = w.likely(RECOMMENDERS)
    r = w.all.get(arn)
    w.delete({GONE} if r is None else {FINE, USED} if r.moving else {FINE}, "DeleteRecommender", "recommender", arn)


@move(2)
def tag(w):
    r = w.dice.choice([r for r in w.all.values() if r.kind not in ("schema", "attribution")] or [None])
    if r is None:
        return
    key, value = w.name("a", "b", "c"), w.name("1", "2")
    if w.dice.random() < 0.3:
        w.call({FINE}, "UntagResource", resourceArn=r.arn, tagKeys=[key])
        r.tags.pop(key, None)
    else:
        w.call({FINE}, "TagResource", resourceArn=r.arn, tags=[{"tagKey": key, "tagValue": value}])
        r.tags[key] = value
    out = w.call({FINE}, "ListTagsForResource", resourceArn=r.arn)
    check(out and {t["tagKey"]: t["tagValue"] for t in out["tags"]} == r.tags, f"tags of {r.arn}: {out}, want {r.tags}")


@move(2)
def describe_what_is_gone(w):
    arn = next((a for a in reversed(w.gone) if a not in w.all), None)
    if arn is None:
        return
    kind = next(k for k in LISTS if f":{slug(k)}/" in arn and (k != "version" or arn.count("/") == 2) and (k != "solution" or arn.count("/") == 1))
    w.call({GONE}, LISTS[kind][3], **{LISTS[kind][2]: arn})


def slug(kind):
    return {"group": "dataset-group", "import": "dataset-import-job", "export": "dataset-export-job", "tracker": "event-tracker", "version": "solution",
            "batch": "batch-inference-job", "attribution": "metric-attribution"}.get(kind, kind)


@move(3)
def kill(w):
    w.server.kill()
    w.kills += 1
    w.server.start()


def compare(w, thorough=False):
    """Lists everything through the clients, and describes some of each kind through
    two. The CLI, which is slow to start, is asked about some kinds, or all if thorough."""
    w.settle()
    by_cli = LISTS if thorough else w.dice.sample(list(LISTS), 2)
    for kind, (operation, key, member, describe, shown) in LISTS.items():
        want = sorted(r.arn for r in w.of(kind))
        for c in (w.boto, w.javascript, w.cli) if kind in by_cli else (w.boto, w.javascript):
            got = [r[member] for r in c.pages(operation, key, w.dice.choice([1, 3, 100]) if c is not w.cli else 2)]
            check(sorted(got) == want, f"{operation} by {c.name}: {sorted(got)}, want {want}")
        for r in w.dice.sample(w.of(kind), min(3, len(want))):
            answers = [plain(c.send(describe, {member: r.arn})[shown]) for c in (w.boto, w.javascript)]
            check(answers[0] == answers[1], f"{describe} {r.arn}: {answers}")
            if r.status:
                check(answers[0]["status"] == r.status, f"{describe} {r.arn}: {answers[0]}, want {r.status}")
        if want and kind in by_cli:
            answers = [plain(c.send(describe, {member: want[0]})[shown]) for c in (w.boto, w.cli)]
            check(answers[0] == answers[1], f"{describe} {want[0]}: {answers}")


def end(w):
    """Deletes all groups with everything in them, as the preview says, and then the schemas."""
    w.settle()
    w.boto.clients["personalize"].meta.events.register("before-sign.personalize.DeleteDatasetGroup", lambda request, **_: request.headers.add_header("x-usher-cascade", "true"))
    for g in w.of("group"):
        preview = json.load(urllib.request.urlopen(f"{w.server.url}/usher/v1/dataset-groups/{g.arn.rsplit('/', 1)[1]}/deletion"))
        inside = sorted(r.arn for r in w.all.values() if getattr(r, "group", None) == g.arn) + [g.arn]
        check(sorted(preview["deletes"]) == sorted(inside) and preview["deletes"][-1] == g.arn and preview["blockedBy"] == [], f"preview {preview}, want {inside}")
        w.boto.send("DeleteDatasetGroup", {"datasetGroupArn": g.arn})
        for arn in inside:
            del w.all[arn]
    compare(w)
    for s in w.of("schema"):
        w.delete({FINE}, "DeleteSchema", "schema", s.arn)


def data(s3):
    s3.create_bucket(Bucket="data")
    rows = "".join(f"u{u},i{(u + k) % 15},{1_700_000_000 + 100 * k + u},Watch,tv\n" for u in range(30) for k in range(8))
    s3.put_object(Bucket="data", Key="Interactions.csv", Body="USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,DEVICE\n" + rows)
    s3.put_object(Bucket="data", Key="Items.csv", Body="ITEM_ID,GENRES,COLOR,CREATION_TIMESTAMP\n" + "".join(f"i{i},a|b,red,1600000000\n" for i in range(15)))
    s3.put_object(Bucket="data", Key="users.json", Body='{"userId": "u1"}\n{"itemId": "i1"}\n')
    s3.put_object(Bucket="data", Key="Users.csv", Body="USER_ID,CITY,JOB\n" + "".join(f"u{u},X,cook\n" for u in range(30)))


def walk(seed):
    began = time.monotonic()
    with Server("-fast") as server:
        data(boto3.client("s3"))
        w = Walk(server, seed)
        for step in range(STEPS):
            fn = w.dice.choices([m for m, _ in MOVES], [weight for _, weight in MOVES])[0]
            before = usher.failed
            fn(w)
            if usher.failed > before:
                print(f"seed {seed}, step {step}: {fn.__name__}", flush=True)
                return
            if step % 70 == 69:
                compare(w)
        compare(w, thorough=True)
        kinds = sorted({r.kind for r in w.all.values()})
        end(w)
        w.javascript.close()
        check(w.kills and w.events and w.answers, f"{w.kills} kills, {w.events} events, {w.answers} answers: none of one would show nothing")
        print(f"seed {seed}: {w.calls} calls, {w.events} events, {w.answers} answers, {w.kills} kills, at the end {', '.join(kinds)}: {time.monotonic() - began:.0f} s", flush=True)


for seed in SEEDS:
    walk(seed)
done()
