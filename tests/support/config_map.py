"""A folder of files as the kubelet keeps it for a ConfigMap: FOLDER/NAME -> ..data/NAME, ..data -> a folder of this version. An
update makes a folder, and renames a new link over ..data."""

import itertools


class ConfigMap:
    def __init__(self, host, folder, name):
        self.host, self.folder, self.name = host, folder, name
        self.versions = itertools.count(1)

    def publish(self, text):
        number = next(self.versions)
        version = f"..2026_01_01_{number}"
        self.host.write(f"{self.folder}/{version}/{self.name}", text)
        self.host.run(["sh", "-c", f"cd {self.folder} && ln -s {version} ..data_tmp && mv -T ..data_tmp ..data && "
                       f"{{ test -L {self.name} || ln -s ..data/{self.name} {self.name}; }} && rm -rf ..2026_01_01_{number - 1}"])
