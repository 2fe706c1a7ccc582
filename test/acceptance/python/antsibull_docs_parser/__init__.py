# Stands in for the library of this name, with which the validate-modules of ansible-core 2.16 and newer reads the markup
# of documents, and of which Debian has no package. It knows the two marks whose names validate-modules looks up.
