common.file := encode
