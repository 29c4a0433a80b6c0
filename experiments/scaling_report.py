def write(workdir):
    pass
