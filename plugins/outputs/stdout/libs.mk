common.stdout := encode
