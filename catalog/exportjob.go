package catalog

// ExportJob is one export of a dataset into files. Parent is the dataset.
type ExportJob struct {
	Meta
	Mode    string // BULK, PUT or ALL
	Output  string // s3://bucket/folder/
	KMSKey  string
	RoleARN string
}

// Kind implements Record.
func (*ExportJob) Kind() Kind { return KindExportJob }
