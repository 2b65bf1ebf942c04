"""Training a model on a list of lines.

Read in this order:

    loop.py         the training loop, for every model that learns by gradient descent
    learner.py      a model and what it learns with; it takes the steps
    step.py         one step: a batch, one forward and one backward pass, one update
    optimizer.py    AdamW, Muon, and the learning rate over time
    teacher.py      an n-gram that gives a share of the targets
    clock.py        how far along training is, by steps or by seconds, and what is due
    judge.py        how good the model is so far
    babble.py       a few samples of it
    state.py        how far training has come
    checkpoint.py   everything that training changes, in one file
    engine.py       the device, several processes, compiling, watching
    failures.py     what torch's errors in a step mean
    finish.py       the best weights, scored on every split
    counting.py     models that are fitted by counting, without the loop
    start.py        `train`: from a file of lines to a finished run, started or resumed
    plan.py         the settings: those given, else those of the type's recipe
    events.py       what happens, for listeners
    watch.py        a listener that records activations, gradients and updates
    tensorboard.py  a listener that writes for TensorBoard
    progress.py     a listener that shows progress in a terminal or a notebook
    capacity.py     whether training fits into memory
"""
