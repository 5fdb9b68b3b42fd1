-- The last update of a solution or dataset was a row of its own of the kind
-- "change"; it is a member of the record now (catalog.SolutionUpdate).
delete from resource where kind = 'change';
