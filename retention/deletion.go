package retention

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"usher/blob"
	"usher/catalog"
	"usher/dataset"
	"usher/eventlog"
	"usher/store"
)

// A deletion job goes three steps. Its users are read from CSV files and a change
// in the log says that they are forgotten, or the API wrote that change for users or
// items that a call named: from then on nobody sees them. What the
// log, the parts and the state have of them is erased (erase.go). What that left
// behind is swept, and the job is COMPLETED. Each step ends in a transaction, so a
// job that was killed goes on behind the last one.

// forgottenMost is how many users or items a record of the log names.
const forgottenMost = 1000

// deletions gives the deletion jobs of the group that are not done, the oldest first.
func (g *group) deletions(tx *store.Tx) ([]*catalog.DeletionJob, error) {
	owner, err := g.record(tx)
	if err != nil || owner == nil {
		return nil, err
	}
	all, _, err := catalog.List[catalog.DeletionJob](tx, catalog.Query{Group: owner.ARN})
	if err != nil {
		return nil, err
	}
	open := slices.DeleteFunc(all, func(j *catalog.DeletionJob) bool {
		return j.Status != catalog.DeletionPending && j.Status != catalog.DeletionInProgress
	})
	slices.Reverse(open)
	return open, nil
}

// record gives the group's record; nil when the group is gone.
func (g *group) record(tx *store.Tx) (*catalog.DatasetGroup, error) {
	all, _, err := catalog.List[catalog.DatasetGroup](tx, catalog.Query{})
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.ID == g.id {
			return r, nil
		}
	}
	return nil, nil
}

// delete carries out all deletion jobs there are.
func (g *group) delete(ctx context.Context) error {
	var open []*catalog.DeletionJob
	err := g.opt.DB.View(ctx, func(tx *store.Tx) (err error) {
		open, err = g.deletions(tx)
		return err
	})
	if err != nil {
		return err
	}
	var effective []*catalog.DeletionJob
	for _, j := range open {
		err := g.announce(ctx, j)
		var bad *customerError
		switch {
		case errors.As(err, &bad):
			err = g.change(ctx, j, func(_ *store.Tx, j *catalog.DeletionJob) error {
				j.Fail(bad.msg)
				return nil
			})
		case err == nil:
			effective = append(effective, j)
		}
		if err != nil {
			return err
		}
	}
	if len(effective) == 0 {
		return nil
	}
	if err := g.erase(ctx, effective); err != nil {
		return err
	}
	for _, j := range effective {
		if err := g.change(ctx, j, become(catalog.DeletionCompleted)); err != nil {
			return err
		}
		g.opt.Log.Info("users or items deleted", "job", j.ARN, "deleted", j.Deleted)
	}
	return nil
}

// change changes a job's record, as it is by now.
func (g *group) change(ctx context.Context, j *catalog.DeletionJob, to func(tx *store.Tx, j *catalog.DeletionJob) error) error {
	return g.task.Update(ctx, func(tx *store.Tx) error {
		now, err := catalog.Get[catalog.DeletionJob](tx, j.ARN)
		if err == nil {
			err = to(tx, now)
		}
		if err == nil {
			err = catalog.Update(tx, now)
		}
		if err == nil {
			*j = *now
		}
		return err
	})
}

// become gives a change of the status.
func become(s catalog.Status) func(*store.Tx, *catalog.DeletionJob) error {
	return func(_ *store.Tx, j *catalog.DeletionJob) error {
		j.Status = s
		return nil
	}
}

// announce marks a job as running and, unless that was done before, has its users
// forgotten. When it returns this process's history has forgotten them.
func (g *group) announce(ctx context.Context, j *catalog.DeletionJob) error {
	if j.Status == catalog.DeletionPending {
		if err := g.change(ctx, j, become(catalog.DeletionInProgress)); err != nil {
			return err
		}
	}
	if j.Offset == 0 {
		users, err := g.users(ctx, j.Location)
		if err != nil {
			return err
		}
		proof := &catalog.DeletionProof{Users: len(users)}
		deleted, err := g.known(ctx, users, proof)
		if err != nil {
			return err
		}
		err = g.change(ctx, j, func(tx *store.Tx, j *catalog.DeletionJob) error {
			j.Deleted, j.Report = deleted, proof
			off, err := Forget(tx, g.opt.Logs, g.id, users)
			j.Offset = uint64(off)
			return err
		})
		if err != nil {
			return err
		}
	}
	h, err := g.history(ctx)
	if err != nil || h == nil {
		return err
	}
	return h.Wait(ctx, eventlog.Offset(j.Offset))
}

// known counts what is known of users.
func (g *group) known(ctx context.Context, users []string, proof *catalog.DeletionProof) (total int64, err error) {
	h, err := g.history(ctx)
	if err != nil || h == nil {
		return 0, err
	}
	for _, id := range users {
		if n := h.Known(id); n > 0 {
			proof.Known++
			total += int64(n)
		}
	}
	return total, nil
}

// Forget appends to a group's log that users are forgotten, and gives the offset at
// which they are.
func Forget(tx *store.Tx, logs *eventlog.Logs, groupID string, users []string) (eventlog.Offset, error) {
	return forget(tx, logs.Log(groupID), users, func(ids []string) *dataset.Forgotten { return &dataset.Forgotten{Users: ids} })
}

// ForgetItems is Forget for items.
func ForgetItems(tx *store.Tx, logs *eventlog.Logs, groupID string, items []string) (eventlog.Offset, error) {
	return forget(tx, logs.Log(groupID), items, func(ids []string) *dataset.Forgotten { return &dataset.Forgotten{Items: ids} })
}

func forget(tx *store.Tx, log eventlog.Log, ids []string, of func(ids []string) *dataset.Forgotten) (eventlog.Offset, error) {
	var recs []eventlog.Record
	for part := range slices.Chunk(ids, forgottenMost) {
		b, err := (&dataset.Change{Forgotten: of(part)}).Append(nil)
		if err != nil {
			return 0, err
		}
		recs = append(recs, eventlog.Record{Data: b})
	}
	return log.AppendTx(tx, recs...)
}

// customerError is a mistake in the job's input, with a text for people.
type customerError struct{ msg string }

func (e *customerError) Error() string { return e.msg }

// usersSchema is what the files of a deletion job hold.
var usersSchema = &dataset.Schema{Type: dataset.Users, Fields: []dataset.Field{{Name: "USER_ID", Kind: dataset.String}}}

// users reads the users that a location names, each once.
func (g *group) users(ctx context.Context, location string) ([]string, error) {
	files, closeAll, err := g.files(ctx, location)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	for _, f := range files {
		if err := oneColumn(f); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	_, err = dataset.Import(ctx, files, usersSchema, &out, dataset.ImportOptions{Workers: 1, Now: g.opt.DB.Now().Unix()})
	var bad *dataset.ImportError
	if errors.As(err, &bad) {
		return nil, &customerError{bad.Error()}
	}
	if err != nil {
		return nil, err
	}
	p, err := dataset.ReadPartIDs(bytes.NewReader(out.Bytes()), int64(out.Len()), usersSchema)
	if err != nil {
		return nil, err
	}
	d := dataset.NewDict()
	for _, id := range p.IDs {
		d.Intern(id)
	}
	return d.IDs(), nil
}

// oneColumn refuses a file that has more than the users: it was hardly meant, and
// what it would do cannot be undone.
func oneColumn(f dataset.File) error {
	line := make([]byte, min(f.Size, 4096))
	if n, err := f.R.ReadAt(line, 0); n < len(line) {
		return fmt.Errorf("read %q: %w", f.Name, err)
	}
	head, _, _ := strings.Cut(string(line), "\n")
	if strings.Contains(head, ",") {
		return &customerError{fmt.Sprintf("%s has several columns. The files of a data deletion job have one, USER_ID, with the users to delete.", f.Name)}
	}
	return nil
}

// inputMost is how large the files of a job may be together, as at AWS.
const inputMost = 100 << 20

// files opens a CSV file, or all in a folder and the folders in it.
func (g *group) files(ctx context.Context, location string) (_ []dataset.File, closeAll func(), err error) {
	var files []dataset.File
	var opened []blob.Reader
	all := func() {
		for _, r := range opened {
			_ = r.Close() // it was only read
		}
	}
	defer func() {
		if err != nil {
			all()
		}
	}()
	names, err := g.objects(ctx, strings.TrimPrefix(location, "s3://"))
	if err != nil {
		return nil, nil, err
	}
	if len(names) == 0 {
		return nil, nil, &customerError{fmt.Sprintf("Invalid Data location. There is no object %s and no CSV file in a folder of that name. Upload the file first, for example: aws s3 cp USERS.csv %s", location, location)}
	}
	total := int64(0)
	for _, name := range names {
		r, err := g.opt.Buckets.Open(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		opened = append(opened, r)
		files = append(files, dataset.File{Name: "s3://" + name, R: r, Size: r.Size()})
		total += r.Size()
	}
	if total > inputMost {
		return nil, nil, &customerError{fmt.Sprintf("The input of a data deletion job may have 100 MB; %s has %d bytes. Split it into several jobs.", location, total)}
	}
	return files, all, nil
}

// objects gives the names of the objects that a path means: the one of that name,
// or the CSV files below it.
func (g *group) objects(ctx context.Context, path string) (names []string, err error) {
	if !strings.HasSuffix(path, "/") {
		r, err := g.opt.Buckets.Open(ctx, path)
		if err == nil {
			return []string{path}, r.Close()
		}
		if errors.Is(err, fs.ErrInvalid) {
			return nil, &customerError{fmt.Sprintf("Invalid Data location. %q cannot be the name of an object: %v", path, err)}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		path += "/"
	}
	for info, err := range g.opt.Buckets.List(ctx, path) {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(strings.ToLower(info.Name), ".csv") && info.Size > 0 {
			names = append(names, info.Name)
		}
	}
	return names, nil
}
