# Stands in for the library of this name, of which Debian has no package: the validate-modules of ansible-core 2.16 and
# newer reads the markup of documents with it. Here no text has markup; a test of ours checks it instead.
