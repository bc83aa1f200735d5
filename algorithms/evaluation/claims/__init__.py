"""Claims about trainings as statistical tests over seeds; pure.

`evidence` turns one number per seed into two p-values, one for the claim and one against it;
`kinds` has a function for each kind of claim; `decision` corrects all claims of a study together
and gives the verdicts. Nothing here compares two means without their spread.
"""
