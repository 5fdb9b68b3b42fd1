// Package trainer holds the baseline of the trainer's benchmark: step.py, the
// network of recipe/internal/nn written for PyTorch. The benchmark itself stands
// beside that network (BenchmarkStepAgainstTorch in recipe/internal/nn) because
// nothing outside recipe may use it. Numbers that stay are in
// docs/results/trainer.txt.
//
//	USHER_TORCH=venv/bin/python:/usr/bin/python3 \
//	    go test ./recipe/internal/nn -run XXX -bench Torch -benchtime 1x -timeout 1h
package trainer
