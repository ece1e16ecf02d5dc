"""What the files of the project say: what each belongs to, and whether a change of them is unfinished."""
