package batch

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"usher/blob"
	"usher/job"
)

// AWS's quotas of the files of questions.
const (
	filesMost     = 1000
	bytesMost     = 1 << 30
	questionsMost = 50_000_000 // of a file
)

const (
	lineMost   = 1 << 20 // bytes of a line; a longer one is answered with an error
	blockLines = 1024    // lines in memory at once
	atOnce     = 16      // questions that are asked at once, for each processor: passes over a catalogue are shared
)

// lines is one run of a job that answers files of questions, one a line, with
// files of answers, one a line at the same place. What is answered of a file is
// kept in chunks, counted by the checkpoint, until the file is whole; so memory
// does not depend on the input, and a job that was killed goes on behind its last
// chunk.
type lines struct {
	*Batch
	task          *job.Task
	input, output string // bucket/key, bucket/folder/
	chunks        string // of the blobs' names
	lineLimit     int64  // of a file; 0: none

	// answer appends the line of answer to a question. A mistake in the question is
	// answered too: mistaken. An error is one of ours.
	answer func(ctx context.Context, question, to []byte) (line []byte, mistaken bool, err error)

	state linesState
	files []blob.Info
	total int64 // bytes of the files
	done  int64 // bytes of files that are answered
	begun int64 // bytes that were answered when this attempt began
	out   [blockLines][]byte
}

// linesState is the checkpoint.
type linesState struct {
	Done   string // of this file and those before it the answers are there; ""
	Lines  int64  // questions of all files
	Failed int64  // of them, those with a mistake

	Current fileState
}

// fileState is how far the file is that is being answered.
type fileState struct {
	Name     string
	Modified time.Time
	At       int64 // bytes of it that are answered
	Lines    int64 // in them
	Chunks   int   // that hold their answers
}

// run answers all files that are not answered yet.
func (l *lines) run(ctx context.Context) error {
	if saved := l.task.Checkpoint(); saved != nil {
		if err := json.Unmarshal(saved, &l.state); err != nil {
			return job.Permanent(fmt.Errorf("read checkpoint: %w", err))
		}
	}
	if err := l.find(ctx); err != nil {
		return err
	}
	if err := l.tryOutput(ctx); err != nil {
		return err
	}
	for i, f := range l.files {
		if f.Name > l.state.Done {
			if err := l.file(ctx, i); err != nil {
				return err
			}
		}
		l.done += f.Size
	}
	return nil
}

// find lists the files of questions, by name.
func (l *lines) find(ctx context.Context) error {
	info, err := l.list(ctx)
	if err != nil {
		return err
	}
	if len(info) == 0 {
		return customer("Invalid S3 input path. There is no object s3://%s and no file in a folder of that name. Upload the file first, for example: aws s3 cp questions.json s3://%[1]s", l.input)
	}
	for _, f := range info {
		l.total += f.Size
	}
	l.files = info
	l.begun = l.answered()
	if l.opt.Quotas && (len(info) > filesMost || l.total > bytesMost) {
		return customer("Invalid S3 input path. s3://%s has %d files with %d bytes; a job takes at most %d files with %d bytes. Make several jobs of it, or start usher with -quotas none.", l.input, len(info), l.total, filesMost, int64(bytesMost))
	}
	return nil
}

// answered gives how many bytes are answered by the checkpoint.
func (l *lines) answered() (bytes int64) {
	for _, f := range l.files {
		if f.Name <= l.state.Done {
			bytes += f.Size
		}
	}
	return bytes + l.state.Current.At
}

// list gives the object of the input's name or, if there is none, all those
// directly in the folder.
func (l *lines) list(ctx context.Context) (files []blob.Info, err error) {
	folder := strings.TrimSuffix(l.input, "/") + "/"
	for info, err := range l.opt.Buckets.List(ctx, strings.TrimSuffix(l.input, "/")) {
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
			return nil, nil
		case err != nil:
			return nil, err
		case info.Name == l.input:
			return []blob.Info{info}, nil
		}
		if rest, ok := strings.CutPrefix(info.Name, folder); ok && rest != "" && info.Size > 0 && !strings.Contains(rest, "/") {
			files = append(files, info)
		}
	}
	return files, nil
}

// checkName is the object that a job writes first, as AWS's do: whoever may not
// write learns it before there is work.
const checkName = "_CHECK"

func (l *lines) tryOutput(ctx context.Context) error {
	w, err := l.create(ctx, l.output+checkName)
	if err != nil {
		return err
	}
	defer w.Abort()
	return w.Commit()
}

// outputName is the name of the answers to a file.
func (l *lines) outputName(file string) string {
	return l.output + file[strings.LastIndex(file, "/")+1:] + ".out"
}

// file answers one file.
func (l *lines) file(ctx context.Context, i int) error {
	f := l.files[i]
	at := &l.state.Current
	if at.Name != f.Name || !at.Modified.Equal(f.ModTime) || at.At > f.Size {
		*at = fileState{Name: f.Name, Modified: f.ModTime}
	}
	r, err := l.opt.Buckets.Open(ctx, f.Name)
	if err != nil {
		return err
	}
	defer r.Close()
	in := bufio.NewReaderSize(io.NewSectionReader(r, at.At, f.Size-at.At), 1<<16)
	if at.At == 0 {
		at.At = skipMark(in)
	}
	for end := at.At >= f.Size; !end; {
		if end, err = l.chunk(ctx, i, in); err != nil {
			return err
		}
	}
	if err := l.join(ctx, f.Name); err != nil {
		return err
	}
	l.state.Done, l.state.Current = f.Name, fileState{}
	if err := l.save(ctx); err != nil {
		return err
	}
	return l.eraseChunks(ctx, l.chunks)
}

// byteOrderMark is what some programs write before UTF-8.
const byteOrderMark = "\uFEFF"

// skipMark passes over the mark at the beginning of a file and gives its length.
func skipMark(in *bufio.Reader) int64 {
	if b, _ := in.Peek(len(byteOrderMark)); string(b) != byteOrderMark { // shorter at the end of the file
		return 0
	}
	n, _ := in.Discard(len(byteOrderMark)) // they are there
	return int64(n)
}

func (l *lines) chunkName(k int) string { return fmt.Sprintf("%s%d", l.chunks, k) }

func (l *lines) save(ctx context.Context) error {
	b, err := json.Marshal(l.state)
	if err != nil {
		return err
	}
	return l.task.Save(ctx, b)
}

// chunk answers the next lines of file i and makes the answers durable.
func (l *lines) chunk(ctx context.Context, i int, in *bufio.Reader) (end bool, err error) {
	w, err := l.opt.Blobs.Create(ctx, l.chunkName(l.state.Current.Chunks))
	if err != nil {
		return false, err
	}
	defer w.Abort()
	next := l.state
	to := bufio.NewWriterSize(w, 1<<18)
	for n := 0; n < l.opt.chunkLines && !end; n += blockLines {
		if end, err = l.block(ctx, in, to, &next); err != nil {
			return false, err
		}
		if l.lineLimit > 0 && next.Current.Lines > l.lineLimit {
			return false, customer("Invalid S3 input path. The file s3://%s has more than %d lines, which is what a job of this kind takes. Cut it into several.", l.files[i].Name, l.lineLimit)
		}
		l.tell(i, &next)
	}
	if err := to.Flush(); err != nil {
		return false, err
	}
	if err := w.Commit(); err != nil {
		return false, err
	}
	next.Current.Chunks++
	l.state = next
	return end, l.save(ctx)
}

// block answers so many lines as are held in memory at once.
func (l *lines) block(ctx context.Context, in *bufio.Reader, to io.Writer, s *linesState) (end bool, err error) {
	var questions [][]byte
	for len(questions) < min(blockLines, l.opt.chunkLines) && !end {
		var q []byte
		var n int64
		if q, n, err = readLine(in); err == io.EOF {
			end, err = true, nil
		}
		if err != nil {
			return false, err
		}
		s.Current.At += n
		if len(bytes.TrimSpace(q)) > 0 {
			questions = append(questions, q)
		}
	}
	failed, err := l.ask(ctx, questions)
	if err != nil {
		return false, err
	}
	s.Lines += int64(len(questions))
	s.Current.Lines += int64(len(questions))
	s.Failed += failed
	for k := range questions {
		if _, err := to.Write(l.out[k]); err != nil {
			return false, err
		}
	}
	return end, nil
}

// ask puts the answers to questions into l.out.
func (l *lines) ask(ctx context.Context, questions [][]byte) (failed int64, err error) {
	var next, mistakes atomic.Int64
	var once sync.Once
	var wg sync.WaitGroup
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(questions)); i = next.Add(1) - 1 {
			if ctx.Err() != nil {
				once.Do(func() { err = context.Cause(ctx) })
				return
			}
			line, mistaken, aerr := l.answer(ctx, questions[i], l.out[i][:0])
			if aerr != nil {
				once.Do(func() { err = aerr })
				stop(aerr)
				return
			}
			if mistaken {
				mistakes.Add(1)
			}
			l.out[i] = append(line, '\n')
		}
	}
	for range min(len(questions), atOnce*runtime.GOMAXPROCS(0)) {
		wg.Go(work)
	}
	wg.Wait()
	return mistakes.Load(), err
}

// readLine gives a copy of the next line without its end, and how many bytes it
// took. Of a line that is too long the beginning is given, longer than lineMost.
// io.EOF comes with the last line.
func readLine(in *bufio.Reader) (line []byte, n int64, err error) {
	for {
		part, err := in.ReadSlice('\n')
		n += int64(len(part))
		if len(line) <= lineMost {
			line = append(line, part...)
		}
		if err != bufio.ErrBufferFull {
			return bytes.TrimRight(line, "\r\n"), n, err
		}
	}
}

// join makes the object of a file's answers from their chunks.
func (l *lines) join(ctx context.Context, file string) error {
	out, err := l.create(ctx, l.outputName(file))
	if err != nil {
		return err
	}
	defer out.Abort()
	for k := range l.state.Current.Chunks {
		if err := l.copyChunk(ctx, out, k); err != nil {
			return err
		}
	}
	return out.Commit()
}

func (l *lines) copyChunk(ctx context.Context, to io.Writer, k int) error {
	r, err := l.opt.Blobs.Open(ctx, l.chunkName(k))
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(to, io.NewSectionReader(r, 0, r.Size()))
	return err
}
