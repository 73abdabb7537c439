"""An authority of a test's own, and what it signs; made with the openssl command."""
import os
import subprocess

from checks import Stop

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Stop(f"openssl {' '.join(words)}: {done.stderr[-300:]}")


class Authority:
    def __init__(self, directory, name, organization="A test"):
        self.directory, self.name = directory, name
        os.makedirs(directory, exist_ok=True)
        openssl("req", "-x509", *NEW_KEY, "-keyout", self.path(f"{name}.key"), "-out", self.ca, "-days", "2", "-subj", f"/O={organization}/CN={name}")

    def path(self, file):
        return os.path.join(self.directory, file)

    @property
    def ca(self):
        return self.path(f"{self.name}.pem")

    def issue(self, file, names="", days=2):
        """For 127.0.0.1; `names`: more, as openssl writes them. What was there is replaced at once. Says where certificate and key are."""
        pem, key = self.path(f"{file}.pem"), self.path(f"{file}.key")
        with open(self.path("extensions"), "w") as out:
            out.write(f"subjectAltName=IP:127.0.0.1{names and ',' + names}\nbasicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n")
        openssl("req", *NEW_KEY, "-keyout", key + ".new", "-out", self.path("csr"), "-subj", f"/CN={file}")
        openssl("x509", "-req", "-in", self.path("csr"), "-CA", self.ca, "-CAkey", self.path(f"{self.name}.key"), "-CAcreateserial", "-days", str(days),
                "-extfile", self.path("extensions"), "-out", pem + ".new")
        os.rename(key + ".new", key)
        os.rename(pem + ".new", pem)
        return pem, key

    def issue_for(self, node, file=None, cluster="test", **more):
        return self.issue(file or f"node{node}", f"URI:janji://{cluster}/node/{node}", **more)
