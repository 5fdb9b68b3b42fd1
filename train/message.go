package train

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"usher/recipe"
)

// The protocol between server and child (docs/formats.md). Both directions
// begin with eight bytes, magic and version; then come messages: a kind (one
// byte), the length (uint32, little-endian) and that many bytes of JSON. The
// child is started from the same file as the server, but the file may have been
// replaced since: that is what the version is for.
const (
	protocolMagic   = "ushrtrn"
	protocolVersion = 4
	messageMax      = 1 << 20 // large things are blobs
)

// messageKind says what a message is. They are on the wire: never renumber them.
type messageKind byte

const (
	messageRequest    messageKind = 'R' // server → child, first and once: request
	messageSaved      messageKind = 'S' // server → child: the checkpoint is durable
	messageProgress   messageKind = 'P' // child → server: report
	messageCheckpoint messageKind = 'C' // child → server: checkpoint; the child waits for messageSaved
	messageDone       messageKind = 'D' // child → server, last: checkpoint with Model
	messageFailed     messageKind = 'F' // child → server, last: failure
)

// request is what the child has to do.
type request struct {
	Recipe    string             `json:"recipe"`
	Params    recipe.Params      `json:"params"`
	Events    []recipe.EventRule `json:"events,omitempty"`    // what events count; the snapshot has only these
	Objective *recipe.Objective  `json:"objective,omitempty"` // besides relevance; nil: none
	Search    *search            `json:"search,omitempty"`    // nil: Params are what to train with
	Seed      uint64             `json:"seed"`
	Workers   int                `json:"workers"`
	Fits      string             `json:"fits"`  // checkpoints of a fit are blobs of this name and a number
	Model     string             `json:"model"` // blob to write
	From      checkpoint         `json:"from"`
}

// report says how far a stage is.
type report struct {
	Stage  stage   `json:"stage"`
	Done   float64 `json:"done"` // 0..1
	Note   string  `json:"note,omitempty"`
	Memory int64   `json:"memory,omitempty"` // bytes that the fit takes, about; 0: not known
}

// failure is why there will be no model.
type failure struct {
	Error     string `json:"error"`
	Permanent bool   `json:"permanent,omitempty"` // the same happens each time
}

// stage is a part of a training, in words for people.
type stage string

const (
	stageStart   stage = "starting"
	stageSearch  stage = "searching hyperparameters"
	stageTrain   stage = "training"
	stageMeasure stage = "measuring"
	stageRefit   stage = "training on all data"
	stageSave    stage = "saving the model"
)

// writeHello begins a direction.
func writeHello(w io.Writer) error {
	_, err := w.Write(append([]byte(protocolMagic), protocolVersion))
	return err
}

func readHello(r io.Reader) error {
	var b [len(protocolMagic) + 1]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return err
	}
	if string(b[:len(protocolMagic)]) != protocolMagic {
		return fmt.Errorf("%q is not the start of a conversation between usher and its training process", b[:])
	}
	if v := b[len(protocolMagic)]; v != protocolVersion {
		return fmt.Errorf("the other side speaks version %d and this one %d: the program's file was replaced while it ran; restart usher", v, protocolVersion)
	}
	return nil
}

// writeMessage writes a message with one Write. v is nil for an empty one.
func writeMessage(w io.Writer, kind messageKind, v any) error {
	b := []byte{byte(kind), 0, 0, 0, 0}
	if v != nil {
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write message %q: %w", kind, err)
		}
		b = append(b, text...)
	}
	n := len(b) - 5
	if n > messageMax {
		return fmt.Errorf("write message %q: %d bytes, at most %d are possible", kind, n, messageMax)
	}
	binary.LittleEndian.PutUint32(b[1:], uint32(n))
	_, err := w.Write(b)
	return err
}

// readMessage reads a message. io.EOF: the other side has ended between two
// messages. Damaged bytes give an error, never a panic or a large allocation.
func readMessage(r io.Reader) (messageKind, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	kind := messageKind(head[0])
	n := binary.LittleEndian.Uint32(head[1:])
	if n > messageMax {
		return 0, nil, fmt.Errorf("read message %q: %d bytes, at most %d are possible", kind, n, messageMax)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return kind, b, nil
}

// decode reads the JSON of a message.
func decode[T any](kind messageKind, b []byte) (v T, err error) {
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("read message %q: %w", kind, err)
	}
	return v, nil
}
