"""Where models compute: devices, and several processes together.

devices.py      the device, and every setting that holds for a whole process
group.py        the processes that train, score or sample together
dropout.py      dropout that is the same for any number of processes
launch.py       starting them, for --nproc
environment.py  what torchrun, or launch, tells each of them
"""
