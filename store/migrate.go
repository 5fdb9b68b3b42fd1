package store

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// more marks a migration's part that only PostgreSQL has: 0001_first.postgres.sql
// follows 0001_first.sql.
const more = ".postgres.sql"

// schema is the number of the newest schema: one for each migration.
func schema() int {
	n := 0
	for _, name := range migrationNames() {
		if !strings.HasSuffix(name, more) {
			n++
		}
	}
	return n
}

// migrationNames gives the files in the order in which they are applied.
func migrationNames() []string {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic("store: internal error: " + err.Error()) // the pattern is wrong
	}
	for i := 1; i < len(names); i++ { // a.postgres.sql sorts before a.sql
		if base, ok := strings.CutSuffix(names[i-1], more); ok && names[i] == base+".sql" {
			names[i-1], names[i] = names[i], names[i-1]
		}
	}
	return names
}

// steps gives the texts that lead from a schema to the newest one. translate may
// change them, and says whether a part that only PostgreSQL has is wanted.
func steps(have int, translate func(string) string, postgres bool) ([]string, error) {
	var texts []string
	n := 0
	for _, name := range migrationNames() {
		own := strings.HasSuffix(name, more)
		if !own {
			n++
		}
		if n <= have || own && !postgres {
			continue
		}
		text, err := fs.ReadFile(migrations, name)
		if err != nil {
			return nil, err
		}
		texts = append(texts, translate(string(text)))
	}
	return texts, nil
}

// checkSchema refuses what this usher does not know.
func checkSchema(have int) error {
	if have > schema() {
		return fmt.Errorf("written by a newer usher (schema %d, this one knows %d); start that one, or use another folder or database", have, schema())
	}
	return nil
}
